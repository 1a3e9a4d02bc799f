use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::ConfigError;
use crate::gateway::edge::Edge;
use crate::gateway::edge::caller::{ForwardedBy, Policy};
use crate::gateway::edge::places::Places;
use crate::gateway::edge::pulse::Patience;
use crate::gateway::edge::tls::Files;

/// Where the node listens, and whom it waits for how long. Unless told otherwise it listens on loopback only, without
/// TLS.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EdgeConfig {
    /// Addresses that it listens on, all at `gateway.port`.
    pub listen: Vec<IpAddr>,
    /// Names that it is reached by, such as `books.example`; those of loopback need no mention.
    pub hosts: Vec<String>,
    /// Networks of proxies whose word is taken on who asks.
    pub trusted_proxies: Vec<IpNet>,
    /// Which headers they set.
    pub forwarded_by: ForwardedBy,
    /// File with the certificate and what leads to its authority, PEM; empty for no TLS.
    pub certificate: PathBuf,
    /// File with its private key, PEM.
    pub key: PathBuf,
    /// Tell each request in the log.
    pub access_log: bool,
    /// Connections that may be open at a time.
    pub max_connections: usize,
    /// Those of one address (of IPv6, of its first 64 bits); loopback and trusted proxies are not counted.
    pub max_connections_by_address: usize,
    /// Until TLS stands and it is known what is spoken, milliseconds.
    pub opening_timeout_ms: u64,
    /// Until a request's header is there, milliseconds.
    pub head_timeout_ms: u64,
    /// Between two requests, milliseconds.
    pub idle_timeout_ms: u64,
    /// Until something more of a body comes or of an answer is taken, milliseconds.
    pub stall_timeout_ms: u64,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            listen: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            forwarded_by: ForwardedBy::default(),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            access_log: false,
            max_connections: 16_384,
            max_connections_by_address: 256,
            opening_timeout_ms: 10_000,
            head_timeout_ms: 15_000,
            idle_timeout_ms: 75_000,
            stall_timeout_ms: 30_000,
        }
    }
}

/// A wait of at least 100 ms and at most an hour.
const WAIT_MS: std::ops::RangeInclusive<u64> = 100..=3_600_000;

impl EdgeConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let unsafe_edge = |detail: String| Err(ConfigError::Edge(detail));
        if self.listen.is_empty() {
            return unsafe_edge("edge.listen names no address".to_owned());
        }
        if self.certificate.as_os_str().is_empty() != self.key.as_os_str().is_empty() {
            return unsafe_edge("edge.certificate and edge.key belong together: set both, or neither".to_owned());
        }
        if let Some(all) = self.trusted_proxies.iter().find(|network| network.prefix_len() == 0) {
            return unsafe_edge(format!("edge.trusted_proxies has {all}, which would believe everybody"));
        }
        let beyond = self.listen.iter().find(|address| !address.is_loopback());
        if let Some(address) = beyond
            && self.tls().is_none()
            && self.trusted_proxies.is_empty()
        {
            return unsafe_edge(format!(
                "edge.listen has {address}, which other machines reach, and what they send could be read on the way: \
                 set edge.certificate and edge.key, or edge.trusted_proxies where a proxy in front speaks TLS"
            ));
        }
        if self.hosts.is_empty() && (beyond.is_some() || !self.trusted_proxies.is_empty()) {
            let detail = "edge.hosts is empty: name what this node is reached as, such as [\"books.example\"]";
            return unsafe_edge(detail.to_owned());
        }
        if let Some(host) = self.hosts.iter().find(|host| host.is_empty() || host.contains(['/', '@', ' ', '*'])) {
            return unsafe_edge(format!("edge.hosts has \"{host}\": a name is wanted, such as books.example"));
        }
        self.check_numbers()
    }

    fn check_numbers(&self) -> Result<(), ConfigError> {
        for (key, found) in [
            ("edge.opening_timeout_ms", self.opening_timeout_ms),
            ("edge.head_timeout_ms", self.head_timeout_ms),
            ("edge.idle_timeout_ms", self.idle_timeout_ms),
            ("edge.stall_timeout_ms", self.stall_timeout_ms),
        ] {
            if !WAIT_MS.contains(&found) {
                return Err(ConfigError::OutOfRange { key, found, wanted: "100 to 3600000" });
            }
        }
        for (key, found) in [
            ("edge.max_connections", self.max_connections),
            ("edge.max_connections_by_address", self.max_connections_by_address),
        ] {
            if found == 0 {
                return Err(ConfigError::OutOfRange { key, found: 0, wanted: "1 or more" });
            }
        }
        Ok(())
    }

    /// The files for TLS, where it is spoken.
    pub fn tls(&self) -> Option<Files> {
        let named = !self.certificate.as_os_str().is_empty();
        named.then(|| Files { certificate: self.certificate.clone(), key: self.key.clone() })
    }

    /// Where people find the node by its first name; `None` where it has none, or is reached by plain HTTP only.
    pub fn site(&self, port: u16) -> Option<String> {
        let host = self.hosts.first()?;
        if !self.trusted_proxies.is_empty() {
            return Some(format!("https://{host}"));
        }
        let port = if host.contains(':') || port == 443 { String::new() } else { format!(":{port}") };
        self.tls().is_some().then(|| format!("https://{host}{port}"))
    }

    /// What callers are held against.
    pub fn policy(&self) -> Policy {
        Policy {
            proxies: self.trusted_proxies.clone(),
            forwarded_by: self.forwarded_by,
            hosts: self.hosts.iter().map(|host| host.to_ascii_lowercase()).collect(),
            exposed: self.listen.iter().any(|address| !address.is_loopback()),
        }
    }

    /// The edge of a node that stops once `stopping` turns true, with files for at most so many connections.
    pub fn edge(&self, stopping: watch::Receiver<bool>, files: usize) -> Arc<Edge> {
        let places = Places::new(self.max_connections.min(files), self.max_connections_by_address);
        Arc::new(Edge {
            policy: self.policy(),
            patience: self.patience(),
            places,
            access_log: self.access_log,
            stopping,
        })
    }

    /// How long connections are waited for.
    pub fn patience(&self) -> Patience {
        Patience {
            opening: Duration::from_millis(self.opening_timeout_ms),
            head: Duration::from_millis(self.head_timeout_ms),
            idle: Duration::from_millis(self.idle_timeout_ms),
            stall: Duration::from_millis(self.stall_timeout_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut EdgeConfig)) -> Option<String> {
        let mut config = EdgeConfig::default();
        change(&mut config);
        config.check().err().map(|error| error.to_string())
    }

    fn beyond(config: &mut EdgeConfig) {
        config.listen = vec!["0.0.0.0".parse().unwrap()];
        config.hosts = vec!["books.example".to_owned()];
    }

    #[test]
    fn a_listener_beyond_loopback_needs_tls_or_a_trusted_proxy() {
        assert_eq!(refused(|_| {}), None);
        assert_eq!(refused(|config| config.listen.push("::1".parse().unwrap())), None);
        let message = refused(beyond).unwrap();
        assert!(message.contains("0.0.0.0") && message.contains("edge.certificate"), "{message}");
        let with_tls = |config: &mut EdgeConfig| {
            beyond(config);
            (config.certificate, config.key) = ("c.pem".into(), "k.pem".into());
        };
        assert_eq!(refused(with_tls), None);
        let behind = |config: &mut EdgeConfig| {
            beyond(config);
            config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        };
        assert_eq!(refused(behind), None);
    }

    #[test]
    fn people_find_the_node_by_its_name() {
        let mut config = EdgeConfig { hosts: vec!["books.example".to_owned()], ..EdgeConfig::default() };
        assert_eq!(config.site(8420), None);
        (config.certificate, config.key) = ("c.pem".into(), "k.pem".into());
        assert_eq!(config.site(8420).unwrap(), "https://books.example:8420");
        assert_eq!(config.site(443).unwrap(), "https://books.example");
        config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        assert_eq!(config.site(8420).unwrap(), "https://books.example");
    }

    #[test]
    fn settings_that_would_trust_too_much_are_refused() {
        let all = refused(|config| config.trusted_proxies = vec!["0.0.0.0/0".parse().unwrap()]);
        assert!(all.unwrap().contains("0.0.0.0/0"));
        let nameless = refused(|config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]);
        assert!(nameless.unwrap().contains("edge.hosts"));
        assert!(refused(|config| config.key = "k.pem".into()).unwrap().contains("belong together"));
        assert!(refused(|config| config.hosts = vec!["https://x".into()]).unwrap().contains("https://x"));
        assert!(refused(|config| config.listen.clear()).unwrap().contains("edge.listen"));
        assert!(refused(|config| config.head_timeout_ms = 0).unwrap().contains("edge.head_timeout_ms"));
        assert!(refused(|config| config.max_connections = 0).unwrap().contains("edge.max_connections"));
    }
}
