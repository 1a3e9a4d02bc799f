//! Identities: those that an identity provider vouches for.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::id::Digest;

/// Identities that an account may have at a time.
pub const IDENTITIES_MAX: usize = 8;
/// Longest issuer, subject or label of an identity, bytes. OpenID Connect gives subjects 255.
pub const IDENTITY_MAX_BYTES: usize = 512;
/// Longest path that the browser is sent back to, bytes.
pub const RETURN_PATH_MAX_BYTES: usize = 512;

/// Somebody that a provider vouches for, as the account that they belong to sees them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LinkedIdentity {
    /// Names it: SHA-256 of issuer and subject.
    pub id: Digest,
    /// The provider.
    pub issuer: String,
    /// What the provider called them when they were linked: an address, a name, or its own number for them.
    pub label: String,
    /// When that was, milliseconds since 1970 UTC.
    pub linked_ms: u64,
}

/// The identities of an account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IdentityList {
    /// The one linked first first.
    pub identities: Vec<LinkedIdentity>,
    /// The account has a password too.
    pub has_password: bool,
}

/// Where to go on after the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ProviderFlow {
    /// A path of the page, such as `/account`; its first one unless named.
    pub to: Option<String>,
}

/// Where a browser has to go.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProviderAddress {
    /// An address of the provider; what it answers comes back by the browser.
    pub url: String,
}

/// The path of the node's own page that a text names; `None` where it is none, or leads elsewhere.
///
/// Browsers read `\` as `/`, drop tabs and line breaks, and take `//host` for another host: only what has nothing of
/// it is a path. What belongs to the API is no page.
pub fn own_path(text: &str) -> Option<&str> {
    let is_plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'<' | b'>' | b'`');
    let rest = text.strip_prefix('/')?;
    let leads_here = !rest.starts_with('/') && !rest.starts_with("api/") && !rest.starts_with("..");
    (text.len() <= RETURN_PATH_MAX_BYTES && leads_here && text.bytes().all(is_plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_our_own_page_are_returned_to() {
        for path in ["/", "/account", "/projects/1?tab=a#b", "/a//b"] {
            assert_eq!(own_path(path), Some(path));
        }
        let long = format!("/{}", "a".repeat(RETURN_PATH_MAX_BYTES));
        for bad in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/api/v1/projects",
            "/é",
            "/a b",
            "/\"><script>",
            "/\r\nset-cookie: a=b",
            &long,
        ] {
            assert_eq!(own_path(bad), None, "{bad:?}");
        }
    }
}
