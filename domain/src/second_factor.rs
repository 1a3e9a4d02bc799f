//! The second factor: codes of an authenticator app (RFC 6238), and codes to recover with.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::account::Secret;

/// Codes to recover with that an account is given, each of which works once.
pub const RECOVERY_CODES: usize = 10;

/// How an account's second factor stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecondFactor {
    /// Signing in takes a code.
    pub on: bool,
    /// Since when, milliseconds since 1970 UTC.
    pub since_ms: Option<u64>,
    /// Codes to recover with that were not used.
    pub recovery_codes_left: u32,
}

/// A second factor to be: it is on once a code of the app was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NewSecondFactor {
    /// What the app is told, in Base32. It is told once.
    pub secret: Secret,
    /// The same as an `otpauth` address.
    pub uri: Secret,
    /// The same as a picture for the app to scan: an SVG.
    pub qr_svg: Secret,
}

/// A code: six digits of the app, or one to recover with.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The code.
    pub code: Secret,
}

/// Codes to recover with, shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecoveryCodes {
    /// Each works once, in place of a code of the app.
    pub codes: Vec<Secret>,
}
