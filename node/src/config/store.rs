use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// The shortest time that a blob which nothing names stays, while a node runs: beginnings take less.
pub const SWEEP_GRACE_MIN_S: u64 = 600;
/// A year.
const LONGEST_S: u64 = 365 * 24 * 3_600;

/// Where data lies.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// The data folder; empty for the user's own (`$XDG_DATA_HOME/visiobook`, else `~/.local/share/visiobook`).
    pub path: PathBuf,
    /// What the books and open uploads of a tenant may hold together, MiB.
    pub quota_mib: u64,
    /// How long an upload stays after something last came, seconds.
    pub upload_expiry_s: u64,
    /// How often blobs that nothing names are looked for, seconds.
    pub sweep_every_s: u64,
    /// How long a blob that nothing names stays, seconds: somebody may be about to name it.
    pub sweep_grace_s: u64,
    /// What the cache in memory may take, MiB.
    pub cache_mib: u64,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            quota_mib: 10_240,
            upload_expiry_s: 86_400,
            sweep_every_s: 3_600,
            sweep_grace_s: 86_400,
            cache_mib: 64,
        }
    }
}

impl StoreConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let ranges = [
            ("store.sweep_every_s", self.sweep_every_s, 60..=LONGEST_S, "60 to 31536000"),
            ("store.sweep_grace_s", self.sweep_grace_s, SWEEP_GRACE_MIN_S..=LONGEST_S, "600 to 31536000"),
            ("store.cache_mib", self.cache_mib, 8..=65_536, "8 to 65536"),
        ];
        match ranges.into_iter().find(|(_, found, range, _)| !range.contains(found)) {
            Some((key, found, _, wanted)) => Err(ConfigError::OutOfRange { key, found, wanted }),
            None => Ok(()),
        }
    }

    /// The data folder that these settings mean.
    pub fn folder(&self) -> PathBuf {
        if !self.path.as_os_str().is_empty() {
            return self.path.clone();
        }
        user_folder("XDG_DATA_HOME", ".local/share")
    }
}

/// `visiobook` in a folder of the user's, as the XDG base directory specification finds it.
pub(super) fn user_folder(variable: &str, below_home: &str) -> PathBuf {
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = named.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(below_home)));
    base.unwrap_or_else(|| PathBuf::from(".")).join("visiobook")
}
