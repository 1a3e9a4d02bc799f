use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// A trace is read whole by whoever replays it.
const MAX_TRACE_MIB: u64 = 65_536;

/// The scheduling, where this node leads it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SchedulerConfig {
    /// Record what the scheduler is told, for replaying it: a file for each term, this name with the term behind it.
    /// Empty for none.
    pub trace_file: PathBuf,
    /// Largest trace of one term, MiB; what comes later is not recorded.
    pub trace_max_mib: u64,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self { trace_file: PathBuf::new(), trace_max_mib: 256 }
    }
}

impl SchedulerConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let found = self.trace_max_mib;
        match found {
            1..=MAX_TRACE_MIB => Ok(()),
            _ => Err(ConfigError::OutOfRange { key: "scheduler.trace_max_mib", found, wanted: "1 to 65536" }),
        }
    }
}
