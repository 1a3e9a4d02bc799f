use serde::{Deserialize, Serialize};

use super::ConfigError;

/// A month: what was deleted takes up space until it is erased.
const MAX_UNDO_DELETE_S: u64 = 31 * 24 * 3_600;

/// What is done to projects.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectsConfig {
    /// How long a deleted project can be restored, seconds; 0 erases it at once.
    pub undo_delete_s: u64,
}

impl Default for ProjectsConfig {
    fn default() -> Self {
        Self { undo_delete_s: 24 * 3_600 }
    }
}

impl ProjectsConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let found = self.undo_delete_s;
        match found {
            0..=MAX_UNDO_DELETE_S => Ok(()),
            _ => Err(ConfigError::OutOfRange { key: "projects.undo_delete_s", found, wanted: "0 to 2678400" }),
        }
    }
}
