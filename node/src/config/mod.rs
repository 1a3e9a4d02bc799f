//! Settings: defaults, then `cluster.toml`, then the environment. No configuration is needed.
//!
//! Every key can be set as `VISIOBOOK__SECTION__KEY`; a key that nobody knows is refused, so that a
//! misspelling does not pass for a setting.

mod auth;
mod edge;
mod gateway;
mod mail;
mod model;
mod oidc;
mod projects;
mod rates;
mod scheduler;
mod store;
mod webhooks;
mod worker;

use std::path::Path;

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};

pub use auth::AuthConfig;
pub use edge::EdgeConfig;
pub use gateway::GatewayConfig;
pub use mail::MailConfig;
pub use model::{ModelConfig, Profile};
pub use oidc::OidcConfig;
pub use projects::ProjectsConfig;
pub use rates::RatesConfig;
pub use scheduler::SchedulerConfig;
pub use store::{SWEEP_GRACE_MIN_S, StoreConfig};
pub use webhooks::WebhooksConfig;
pub use worker::WorkerConfig;

/// The file that is read where it lies in the working folder.
const DEFAULT_FILE: &str = "cluster.toml";

/// All settings of a node.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// HTTP.
    pub gateway: GatewayConfig,
    /// Where it listens, and whom it waits for.
    pub edge: EdgeConfig,
    /// How many requests somebody may make.
    pub rates: RatesConfig,
    /// Where data lies.
    pub store: StoreConfig,
    /// What is done to projects.
    pub projects: ProjectsConfig,
    /// Addresses that are told of events.
    pub webhooks: WebhooksConfig,
    /// Who gets in.
    pub auth: AuthConfig,
    /// Letters to whoever has an account.
    pub mail: MailConfig,
    /// The encoder's model.
    pub model: ModelConfig,
    /// The devices.
    pub worker: WorkerConfig,
    /// The scheduling.
    pub scheduler: SchedulerConfig,
}

/// Settings that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that was named is not there.
    #[error("there is no configuration file {0}")]
    Missing(String),
    /// A value that can't work.
    #[error("the configuration can't be used: {key} is {found}, and must be {wanted}")]
    OutOfRange {
        /// Section and key.
        key: &'static str,
        /// What was set.
        found: u64,
        /// What would do.
        wanted: &'static str,
    },
    /// Listeners that would not be safe, or can't be.
    #[error("the configuration can't be used: {0}")]
    Edge(String),
    /// A text that can't work.
    #[error("the configuration can't be used: {key} must be {wanted}")]
    Unfit {
        /// Section and key.
        key: &'static str,
        /// What would do.
        wanted: &'static str,
    },
    /// A value of the wrong kind, or a key that nobody knows.
    #[error("the configuration can't be used: {0}")]
    Invalid(#[from] Box<figment::Error>),
}

impl Config {
    /// Reads the settings; `file` must exist if it is named.
    ///
    /// # Errors
    /// If the file is missing, or something in it or in the environment is not a setting.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        if let Some(path) = file.filter(|path| !path.is_file()) {
            return Err(ConfigError::Missing(path.display().to_string()));
        }
        let file = file.or_else(|| Some(Path::new(DEFAULT_FILE)).filter(|path| path.is_file()));
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(path) = file {
            figment = figment.merge(Toml::file_exact(path));
        }
        let figment = figment.merge(Env::prefixed("VISIOBOOK__").split("__"));
        let config: Self = figment.extract().map_err(Box::new)?;
        config.worker.check()?;
        config.gateway.check()?;
        config.edge.check()?;
        config.rates.check()?;
        config.projects.check()?;
        config.webhooks.check()?;
        config.auth.check()?;
        config.mail.check()?;
        config.scheduler.check()?;
        config.store.check()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_is_checked_in_says_what_the_defaults_are() {
        let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../cluster.toml"));
        let said: Config = Figment::from(Toml::file_exact(path)).extract().unwrap();
        let said = serde_json::to_value(&said).unwrap();
        assert_eq!(said, serde_json::to_value(Config::default()).unwrap());
    }

    #[test]
    fn a_value_that_cannot_work_is_refused_at_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        for text in
            ["[worker]\ncpu_padded_tokens = 256\n", "[gateway]\nupload_limit_mib = 0\n", "[store]\nsweep_grace_s = 0\n"]
        {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(Config::load(Some(&path)), Err(ConfigError::OutOfRange { .. })), "{text}");
        }
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        std::fs::write(&path, "[gateway]\nprot = 1\n").unwrap();
        let error = Config::load(Some(&path)).unwrap_err().to_string();
        assert!(error.contains("prot"), "{error}");
    }
}
