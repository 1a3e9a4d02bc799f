use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::account::Secret;
use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::outbound::mail::{Post, Smtp, SmtpTls};

/// Letters to whoever has an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailConfig {
    /// Who letters are from.
    pub from: String,
    /// Folder that letters are left in, where no server is named; empty for `outbox` in the data folder.
    pub outbox: PathBuf,
    /// The server that takes letters; empty for none.
    pub smtp_host: String,
    /// Its port.
    pub smtp_port: u16,
    /// How the connection to it is protected: `implicit`, `starttls`, or `none` for a server on this machine.
    pub smtp_tls: SmtpTls,
    /// Who the node is to it; empty if it does not ask.
    pub smtp_user: String,
    /// And its password.
    pub smtp_password: Secret,
    /// How long it may take for a letter, milliseconds.
    pub timeout_ms: u64,
    /// Pause after a letter was not taken, milliseconds; each further one is five times as long, for five tries.
    pub retry_first_ms: u64,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            from: "Visiobook <visiobook@localhost.localdomain>".into(),
            outbox: PathBuf::new(),
            smtp_host: String::new(),
            smtp_port: 465,
            smtp_tls: SmtpTls::Implicit,
            smtp_user: String::new(),
            smtp_password: Secret::default(),
            timeout_ms: 20_000,
            retry_first_ms: 2_000,
        }
    }
}

impl MailConfig {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let ranges = [
            ("mail.timeout_ms", self.timeout_ms, 100..=120_000, "100 to 120000"),
            ("mail.retry_first_ms", self.retry_first_ms, 10..=60_000, "10 to 60000"),
        ];
        if let Some((key, found, _, wanted)) = ranges.into_iter().find(|(_, found, range, _)| !range.contains(found)) {
            return Err(ConfigError::OutOfRange { key, found, wanted });
        }
        if self.from.parse::<lettre::message::Mailbox>().is_err() {
            return Err(ConfigError::Unfit { key: "mail.from", wanted: "an address, such as Name <name@example.org>" });
        }
        let is_here = matches!(self.smtp_host.as_str(), "" | "localhost" | "127.0.0.1" | "::1");
        if self.smtp_tls == SmtpTls::None && !is_here {
            let wanted =
                "`implicit` or `starttls` for a server on another machine: letters carry links to sign in with";
            return Err(ConfigError::Unfit { key: "mail.smtp_tls", wanted });
        }
        Ok(())
    }

    /// Who carries letters of a node on a data folder.
    pub fn post(&self, data: &Path) -> Post {
        if self.smtp_host.is_empty() {
            let folder = if self.outbox.as_os_str().is_empty() { data.join("outbox") } else { self.outbox.clone() };
            return Post::Outbox(folder);
        }
        Post::Smtp(Smtp {
            host: self.smtp_host.clone(),
            port: self.smtp_port,
            tls: self.smtp_tls,
            user: self.smtp_user.clone(),
            password: self.smtp_password.clone(),
            timeout: Duration::from_millis(self.timeout_ms),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_go_to_another_machine_under_tls_only() {
        let to = |host: &str, tls| {
            MailConfig { smtp_host: host.into(), smtp_tls: tls, ..MailConfig::default() }.check().is_ok()
        };
        assert!(to("mail.example", SmtpTls::Starttls) && to("127.0.0.1", SmtpTls::None));
        assert!(!to("mail.example", SmtpTls::None));
        assert!(MailConfig { from: "nobody".into(), ..MailConfig::default() }.check().is_err());
    }
}
