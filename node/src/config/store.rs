use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { path: PathBuf::new(), quota_mib: 10_240, upload_expiry_s: 86_400 }
    }
}

impl StoreConfig {
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
