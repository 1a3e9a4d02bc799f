use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::outbound::guard::Rules;

/// Two weeks: whoever is away for longer has forgotten the webhook.
const MAX_GIVE_UP_S: u64 = 14 * 24 * 3_600;
/// A server that takes longer does its work before it answers, and should not.
const MAX_TIMEOUT_MS: u64 = 60_000;

/// Addresses that are told of events.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhooksConfig {
    /// Send to `http` addresses too; whoever is on the way can read those.
    pub allow_http: bool,
    /// Ports that are sent to; any where none is named.
    pub ports: Vec<u16>,
    /// Networks that are sent to although they are not public, such as `10.0.0.0/8`.
    pub allow_networks: Vec<IpNet>,
    /// How long an address may take for its answer, milliseconds.
    pub timeout_ms: u64,
    /// Pause after a first failure, milliseconds; it doubles with each further one, up to an hour.
    pub retry_first_ms: u64,
    /// A webhook that failed for so long is switched off, seconds.
    pub give_up_after_s: u64,
}

impl Default for WebhooksConfig {
    fn default() -> Self {
        Self {
            allow_http: false,
            ports: vec![443],
            allow_networks: Vec::new(),
            timeout_ms: 10_000,
            retry_first_ms: 5_000,
            give_up_after_s: 3 * 24 * 3_600,
        }
    }
}

impl WebhooksConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let settings = [
            ("webhooks.timeout_ms", self.timeout_ms, 100..=MAX_TIMEOUT_MS, "100 to 60000"),
            ("webhooks.retry_first_ms", self.retry_first_ms, 10..=3_600_000, "10 to 3600000"),
            ("webhooks.give_up_after_s", self.give_up_after_s, 1..=MAX_GIVE_UP_S, "1 to 1209600"),
        ];
        match settings.into_iter().find(|(_, found, range, _)| !range.contains(found)) {
            Some((key, found, _, wanted)) => Err(ConfigError::OutOfRange { key, found, wanted }),
            None => Ok(()),
        }
    }

    /// Where letters may go.
    pub fn rules(&self) -> Rules {
        Rules { http: self.allow_http, ports: self.ports.clone(), networks: self.allow_networks.clone() }
    }

    /// How long one attempt may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// How patient the node is.
    pub fn policy(&self) -> actors::webhooks::policy::Policy {
        actors::webhooks::policy::Policy {
            first_pause: Duration::from_millis(self.retry_first_ms),
            longest_pause: Duration::from_secs(3_600),
            give_up_after: Duration::from_secs(self.give_up_after_s),
            // A little longer than the courier's own deadline, which says more clearly what was wrong.
            attempt: self.timeout() + Duration::from_secs(5),
        }
    }
}
