use domain::account::Secret;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{ConfigError, OidcConfig};

/// A claim code that somebody sets has at least so many characters.
const CLAIM_CODE_MIN_CHARS: usize = 26;
/// Beyond this nothing is limited.
const ATTEMPTS_SCALE_MAX: u32 = 1_000;
/// How long what can be taken back can be.
const WEEK_S: u64 = 7 * 24 * 3_600;
/// The longest that somebody may want.
const GRACE_MAX_S: u64 = 90 * 24 * 3_600;
/// Threads that may hash at a time, 19 MiB each.
const HASHING_THREADS_MAX: u64 = 64;

/// Who gets in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthConfig {
    /// Trust whoever sits at the machine, while there is no account.
    pub local_trust: bool,
    /// Where people find the node, such as `https://books.example`; empty for its own address on loopback.
    pub public_url: String,
    /// The code that makes the first account; empty for one that is drawn and printed at each start.
    pub claim_code: Secret,
    /// Passwords hashed at a time, 19 MiB each, or twice that where others take all of the processor; 0 for half as many
    /// as the machine has cores, at most 8.
    pub hashing_threads: u64,
    /// So many times as many attempts as docs/security.md says, for a node whose people share one network address.
    pub attempts_scale: u32,
    /// How long the deletion of an account can be taken back, seconds.
    pub leave_grace_s: u64,
    /// How long an address may stay unconfirmed, seconds.
    pub unconfirmed_s: u64,
    /// Who vouches for people, beside their passwords.
    pub oidc: OidcConfig,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            local_trust: true,
            public_url: String::new(),
            claim_code: Secret::default(),
            hashing_threads: 0,
            attempts_scale: 1,
            leave_grace_s: WEEK_S,
            unconfirmed_s: WEEK_S,
            oidc: OidcConfig::default(),
        }
    }
}

impl AuthConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.hashing_threads > HASHING_THREADS_MAX {
            let (key, found) = ("auth.hashing_threads", self.hashing_threads);
            return Err(ConfigError::OutOfRange { key, found, wanted: "0 to 64" });
        }
        if !(1..=ATTEMPTS_SCALE_MAX).contains(&self.attempts_scale) {
            let (key, found) = ("auth.attempts_scale", self.attempts_scale.into());
            return Err(ConfigError::OutOfRange { key, found, wanted: "1 to 1000" });
        }
        let graces = [("auth.leave_grace_s", self.leave_grace_s, 0), ("auth.unconfirmed_s", self.unconfirmed_s, 60)];
        for (key, found, least) in graces {
            if !(least..=GRACE_MAX_S).contains(&found) {
                let wanted = "at most 7776000 (for unconfirmed_s, at least 60)";
                return Err(ConfigError::OutOfRange { key, found, wanted });
            }
        }
        self.oidc.check()?;
        let code = self.claim_code.0.chars().filter(char::is_ascii_alphanumeric).count();
        if code > 0 && code < CLAIM_CODE_MIN_CHARS {
            let wanted = "26 letters and digits or more, or empty for one that is drawn";
            return Err(ConfigError::Unfit { key: "auth.claim_code", wanted });
        }
        if self.public_url.is_empty() || site(&self.public_url).is_some() {
            return Ok(());
        }
        let wanted = "an address with https and without a path, such as https://books.example (http on loopback only)";
        Err(ConfigError::Unfit { key: "auth.public_url", wanted })
    }

    /// Where people find the node, without a slash at the end; `own` is its address where none is set.
    pub fn site(&self, own: &str) -> String {
        site(&self.public_url).unwrap_or_else(|| own.to_owned())
    }

    /// Whether cookies are for TLS only.
    pub fn secure(&self) -> bool {
        site(&self.public_url).is_some_and(|site| site.starts_with("https:"))
    }

    /// Passwords hashed at a time.
    pub fn threads(&self) -> usize {
        match self.hashing_threads {
            // A hash fills the caches of its core, and takes much of what memory can bring.
            0 => std::thread::available_parallelism().map_or(1, |cores| cores.get() / 2).clamp(1, 8),
            set => set as usize,
        }
    }
}

/// The origin that an address names, if it names nothing more.
fn site(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_loopback = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_nobodys = url.username().is_empty() && url.password().is_none();
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
    (is_bare && is_nobodys && is_safe).then(|| url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_address_is_an_origin_that_nobody_reads_on_the_way() {
        assert_eq!(site("https://Books.example/"), Some("https://books.example".into()));
        assert_eq!(site("http://127.0.0.1:8420"), Some("http://127.0.0.1:8420".into()));
        for bad in [
            "books.example",
            "http://books.example",
            "https://books.example/app",
            "https://u:p@books.example",
            "https://books.example/?a=b",
            "ftp://books.example",
            "",
        ] {
            assert_eq!(site(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_claim_code_that_can_be_guessed_is_refused() {
        let with = |code: &str| AuthConfig { claim_code: Secret(code.into()), ..AuthConfig::default() }.check().is_ok();
        assert!(with("") && with("ABCDEF-GHJKMN-PQRSTV-012345-67"));
        assert!(!with("secret") && !with("-------------------------------a"));
    }
}
