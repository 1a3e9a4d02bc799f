use serde::{Deserialize, Serialize};

use super::ConfigError;

/// A book is held in memory while it is read.
const MAX_UPLOAD_LIMIT_MIB: u64 = 4_096;

/// HTTP; where the node listens is `[edge]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// TCP port; 0 takes any that is free.
    pub port: u16,
    /// Largest book that can be uploaded, MiB.
    pub upload_limit_mib: u64,
    /// Event streams that may be open at a time.
    pub max_event_streams: usize,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self { port: 8420, upload_limit_mib: 100, max_event_streams: 1_024 }
    }
}

impl GatewayConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let found = self.upload_limit_mib;
        match found {
            1..=MAX_UPLOAD_LIMIT_MIB => Ok(()),
            _ => Err(ConfigError::OutOfRange { key: "gateway.upload_limit_mib", found, wanted: "1 to 4096" }),
        }
    }
}
