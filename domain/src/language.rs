//! The languages that Visiobook reads and speaks.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

/// A language that Visiobook reads and speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// French.
    Fr,
}

impl Language {
    /// BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
        }
    }

    /// The language of a BCP 47 tag such as `fr-FR`, if it is one of ours.
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag.split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
            "en" | "eng" => Some(Self::En),
            "fr" | "fra" | "fre" => Some(Self::Fr),
            _ => None,
        }
    }
}
