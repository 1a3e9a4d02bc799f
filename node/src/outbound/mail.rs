//! Who carries letters: a folder that somebody else empties, or a server that speaks SMTP.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actors::accounts::letters::{Mail, MailError, Mailer};
use async_trait::async_trait;
use domain::account::Secret;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use serde::{Deserialize, Serialize};

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// From its first byte on.
    Implicit,
    /// After `STARTTLS`, without which nothing is sent.
    Starttls,
    /// Not at all.
    None,
}

/// Where letters go.
#[derive(Clone, Debug)]
pub enum Post {
    /// Into a folder, a file each, for its owner only.
    Outbox(PathBuf),
    /// To a server.
    Smtp(Smtp),
}

/// A mail server.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: SmtpTls,
    /// Who the node is to it; empty if it does not ask.
    pub user: String,
    /// And its password.
    pub password: Secret,
    /// How long a letter may take.
    pub timeout: Duration,
}

/// Carries letters of one sender.
pub struct PostOffice {
    from: Mailbox,
    by: Carrier,
}

enum Carrier {
    Outbox(PathBuf),
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>, Duration),
}

impl PostOffice {
    /// Carries letters from `from`.
    ///
    /// # Errors
    /// [`MailError::Refused`] for a sender that is no address, or a server that TLS can't be spoken with.
    pub fn new(from: &str, post: Post) -> Result<Self, MailError> {
        let bad = |e: &dyn std::fmt::Display| MailError::Refused(e.to_string());
        let from = from.parse().map_err(|e: lettre::address::AddressError| bad(&e))?;
        let smtp = match post {
            Post::Outbox(folder) => return Ok(Self { from, by: Carrier::Outbox(folder) }),
            Post::Smtp(smtp) => smtp,
        };
        let tls = || TlsParameters::new(smtp.host.clone()).map_err(|e| bad(&e));
        let tls = match smtp.tls {
            SmtpTls::Implicit => Tls::Wrapper(tls()?),
            SmtpTls::Starttls => Tls::Required(tls()?),
            SmtpTls::None => Tls::None,
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host).port(smtp.port).tls(tls);
        let builder = match smtp.user.is_empty() {
            true => builder,
            false => builder.credentials(Credentials::new(smtp.user, smtp.password.0)),
        };
        let transport = builder.timeout(Some(smtp.timeout)).build();
        Ok(Self { from, by: Carrier::Smtp(Box::new(transport), smtp.timeout) })
    }

    fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let bad = |e: &dyn std::fmt::Display| MailError::Refused(format!("a letter could not be written: {e}"));
        let to: Mailbox = mail.to.parse().map_err(|e: lettre::address::AddressError| bad(&e))?;
        // No machine is to answer it, and no holiday either (RFC 3834).
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&mail.subject)
            .message_id(None)
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())
            .map_err(|e| bad(&e))
    }
}

#[async_trait]
impl Mailer for PostOffice {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.message(mail)?;
        match &self.by {
            Carrier::Outbox(folder) => {
                let (folder, bytes) = (folder.clone(), message.formatted());
                let written = tokio::task::spawn_blocking(move || leave(&folder, &bytes)).await;
                let failed = |e: &dyn std::fmt::Display| MailError::Later(format!("the outbox takes no letter: {e}"));
                written.map_err(|e| failed(&e))?.map_err(|e| failed(&e))
            }
            Carrier::Smtp(transport, timeout) => {
                // The transport's own bound is for each step of the talk.
                let sent = tokio::time::timeout(*timeout, transport.send(message)).await;
                match sent.map_err(|_| MailError::Later("the mail server took too long".into()))? {
                    Ok(_) => Ok(()),
                    Err(error) if error.is_permanent() => Err(MailError::Refused(error.to_string())),
                    Err(error) => Err(MailError::Later(error.to_string())),
                }
            }
        }
    }
}

/// Leaves a letter in a folder, whole: under its name it is there with all its bytes, or not.
fn leave(folder: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let name = format!("{:013}-{}", since.as_millis(), uuid::Uuid::new_v4());
    let (draft, path) = (folder.join(format!("{name}.draft")), folder.join(format!("{name}.eml")));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(draft, path)?;
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mail(to: &str) -> Mail {
        Mail { to: to.into(), subject: "Confirmez votre adresse".into(), text: "Où ?\n\nhttps://a/b#c\n".into() }
    }

    #[tokio::test]
    async fn a_letter_lies_in_the_outbox_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("deep/outbox");
        let office = PostOffice::new("Visiobook <v@example.org>", Post::Outbox(folder.clone())).unwrap();
        office.send(&mail("anna@example.org")).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&files[0])), (0o700, 0o600));
        let text = std::fs::read_to_string(&files[0]).unwrap();
        assert!(text.contains("To: anna@example.org") && text.contains("Auto-Submitted: auto-generated"), "{text}");
    }

    #[tokio::test]
    async fn an_address_that_would_be_two_headers_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let office = PostOffice::new("v@example.org", Post::Outbox(dir.path().to_owned())).unwrap();
        for to in ["a@b.org\r\nBcc: c@d.org", "a@b.org, c@d.org", "nobody"] {
            assert!(matches!(office.send(&mail(to)).await, Err(MailError::Refused(_))), "{to:?}");
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
