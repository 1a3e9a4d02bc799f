use std::path::PathBuf;
use std::time::Duration;

use domain::account::Secret;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::ConfigError;
use crate::outbound::guard::Rules;
use crate::outbound::oidc::Settings;

/// Path that the provider sends browsers back to.
pub const RETURN_PATH: &str = "/api/v1/auth/oidc/return";
/// Longest secret with the provider that is read from a file, bytes.
const SECRET_MAX_BYTES: u64 = 4_096;

/// An identity provider that vouches for people.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OidcConfig {
    /// Its address, such as `https://login.example`; empty for none. Plain `http` on loopback only.
    pub issuer: String,
    /// What the page calls it.
    pub name: String,
    /// Who the node is to it.
    pub client_id: String,
    /// What shows that.
    pub client_secret: Secret,
    /// File that holds it instead.
    pub client_secret_file: PathBuf,
    /// What is asked of it beside `openid`.
    pub scopes: Vec<String>,
    /// Networks that the node's own requests to it go to although they are not public, such as `10.0.0.0/8`.
    pub allow_networks: Vec<IpNet>,
    /// How long it may take for one step, milliseconds.
    pub timeout_ms: u64,
}

impl Default for OidcConfig {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            name: "OpenID Connect".into(),
            client_id: String::new(),
            client_secret: Secret::default(),
            client_secret_file: PathBuf::new(),
            scopes: vec!["email".into(), "profile".into()],
            allow_networks: Vec::new(),
            timeout_ms: 10_000,
        }
    }
}

impl OidcConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(100..=60_000).contains(&self.timeout_ms) {
            let (key, found) = ("auth.oidc.timeout_ms", self.timeout_ms);
            return Err(ConfigError::OutOfRange { key, found, wanted: "100 to 60000" });
        }
        if self.issuer.is_empty() {
            return Ok(());
        }
        if issuer(&self.issuer).is_none() {
            let wanted = "an address with https, such as https://login.example (http on loopback only)";
            return Err(ConfigError::Unfit { key: "auth.oidc.issuer", wanted });
        }
        if self.client_id.is_empty() {
            return Err(ConfigError::Unfit { key: "auth.oidc.client_id", wanted: "what the provider calls this node" });
        }
        if self.name.is_empty() || self.name.chars().count() > 60 || self.name.chars().any(char::is_control) {
            return Err(ConfigError::Unfit { key: "auth.oidc.name", wanted: "one line of 1 to 60 characters" });
        }
        let (set, file) = (!self.client_secret.0.is_empty(), !self.client_secret_file.as_os_str().is_empty());
        if set == file {
            let wanted = "set, or `client_secret_file` instead: the provider gave it with the client's id";
            return Err(ConfigError::Unfit { key: "auth.oidc.client_secret", wanted });
        }
        Ok(())
    }

    /// The provider of a node that people find at `site`; `None` where none is named.
    ///
    /// # Errors
    /// If the file that holds the secret can't be read.
    pub fn settings(&self, site: &str) -> Result<Option<Settings>, ConfigError> {
        let Some(url) = issuer(&self.issuer) else { return Ok(None) };
        let plain = url.scheme() == "http";
        let loopback = [
            IpNet::V4(Ipv4Net::new_assert(std::net::Ipv4Addr::new(127, 0, 0, 0), 8)),
            IpNet::V6(Ipv6Net::new_assert(std::net::Ipv6Addr::LOCALHOST, 128)),
        ];
        // Whoever runs the node and names a provider on this machine, in plain text, means it.
        let own = plain.then_some(loopback).into_iter().flatten();
        let networks = self.allow_networks.iter().copied().chain(own).collect();
        Ok(Some(Settings {
            name: self.name.clone(),
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.secret()?,
            scopes: self.scopes.clone(),
            redirect: format!("{site}{RETURN_PATH}"),
            rules: Rules { http: plain, ports: Vec::new(), networks },
            within: Duration::from_millis(self.timeout_ms),
        }))
    }

    fn secret(&self) -> Result<Secret, ConfigError> {
        use std::io::Read as _;
        if self.client_secret_file.as_os_str().is_empty() {
            return Ok(self.client_secret.clone());
        }
        let wanted = "a file of one line that can be read, with the secret that the provider gave";
        let unfit = || ConfigError::Unfit { key: "auth.oidc.client_secret_file", wanted };
        let file = std::fs::File::open(&self.client_secret_file).map_err(|_| unfit())?;
        let mut text = String::new();
        file.take(SECRET_MAX_BYTES).read_to_string(&mut text).map_err(|_| unfit())?;
        let text = text.trim();
        if text.is_empty() { Err(unfit()) } else { Ok(Secret(text.to_owned())) }
    }
}

/// The address of a provider that nobody can listen in to.
fn issuer(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_loopback = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
    let is_nobodys = url.username().is_empty() && url.password().is_none();
    (is_safe && is_nobodys && url.query().is_none() && url.fragment().is_none()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(issuer: &str, secret: &str) -> OidcConfig {
        let client_secret = Secret(secret.into());
        OidcConfig { issuer: issuer.into(), client_id: "visiobook".into(), client_secret, ..OidcConfig::default() }
    }

    #[test]
    fn a_provider_is_spoken_with_under_tls_or_on_this_machine_and_has_a_secret() {
        assert!(
            OidcConfig::default().check().is_ok() && OidcConfig::default().settings("https://a").unwrap().is_none()
        );
        assert!(config("https://login.example/realms/a", "s").check().is_ok());
        assert!(config("http://127.0.0.1:9000", "s").check().is_ok());
        for bad in ["http://login.example", "login.example", "https://u:p@login.example", "https://login.example/?a=b"]
        {
            assert!(config(bad, "s").check().is_err(), "{bad}");
        }
        assert!(config("https://login.example", "").check().is_err(), "no secret by default");
        let both = OidcConfig { client_secret_file: "/a".into(), ..config("https://login.example", "s") };
        assert!(both.check().is_err());
    }

    #[test]
    fn a_secret_may_lie_in_a_file_and_loopback_is_for_plain_issuers_alone() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let from = |issuer: &str| OidcConfig { client_secret_file: file.path().to_owned(), ..config(issuer, "") };
        assert!(from("https://login.example").settings("https://a").is_err(), "an empty file holds none");
        std::fs::write(file.path(), "sekret\n").unwrap();
        let settings = from("https://login.example").settings("https://books.example").unwrap().unwrap();
        assert_eq!(settings.client_secret.0, "sekret");
        assert_eq!(settings.redirect, "https://books.example/api/v1/auth/oidc/return");
        assert!(settings.rules.admit("127.0.0.1".parse().unwrap()).is_err());
        let plain = from("http://localhost:9").settings("https://a").unwrap().unwrap();
        assert!(plain.rules.http && plain.rules.admit("127.0.0.1".parse().unwrap()).is_ok());
    }
}
