//! TLS: certificate and key from files, read anew when they change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use tokio_rustls::rustls::sign::CertifiedKey;

/// Largest file that is read.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// How often the files are looked at; a hang-up signal has them looked at now.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Where certificate and key lie, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate, first, and what leads to its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why TLS can't be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("{} can't be read: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// A file holds something else.
    #[error("{} {detail}", path.display())]
    Wrong {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The library refuses.
    #[error("TLS can't be set up: {0}")]
    Refused(#[from] tokio_rustls::rustls::Error),
}

impl Files {
    /// Reads both.
    ///
    /// # Errors
    /// A file that can't be read, holds no certificate or no key, or two that don't belong together.
    fn read(&self, provider: &CryptoProvider) -> Result<(CertifiedKey, Stamp), TlsError> {
        let (chain, key) = (contents(&self.certificate)?, contents(&self.key)?);
        let stamp = stamp(&chain, &key);
        let wrong = |path: &Path, detail: String| TlsError::Wrong { path: path.to_owned(), detail };
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&chain)
            .collect::<Result<_, _>>()
            .map_err(|e| wrong(&self.certificate, format!("is no PEM file: {e}")))?;
        if certificates.is_empty() {
            return Err(wrong(&self.certificate, "holds no certificate (PEM, `BEGIN CERTIFICATE`)".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|e| wrong(&self.key, format!("holds no private key (PEM, without a passphrase): {e}")))?;
        let fits = CertifiedKey::from_der(certificates, key, provider);
        let certified = fits.map_err(|e| wrong(&self.key, format!("does not fit {}: {e}", self.certificate.display())));
        Ok((certified?, stamp))
    }
}

/// Tells whether the files are others than before.
type Stamp = [u8; 32];

fn stamp(chain: &[u8], key: &[u8]) -> Stamp {
    let mut hash = Sha256::new();
    hash.update((chain.len() as u64).to_le_bytes());
    hash.update(chain);
    hash.update(key);
    hash.finalize().into()
}

fn contents(path: &Path) -> Result<Vec<u8>, TlsError> {
    use std::io::Read;
    let unreadable = |error| TlsError::Unreadable { path: path.to_owned(), error };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// What new connections are shown.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Speaks TLS 1.2 and 1.3, then HTTP/2 or 1.1, with what the files hold.
pub struct Tls {
    files: Files,
    provider: Arc<CryptoProvider>,
    shown: Arc<Shown>,
    stamp: Stamp,
    acceptor: TlsAcceptor,
    /// From when there is something to reload, so that a hang-up never ends the process.
    hang_up: Option<Signal>,
}

impl Tls {
    /// Reads the files, on a runtime.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn open(files: Files) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let (certified, stamp) = files.read(&provider)?;
        let shown = Arc::new(Shown(RwLock::new(Arc::new(certified))));
        let config = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let mut config = config.with_no_client_auth().with_cert_resolver(shown.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Sessions go on by what clients keep, so that none need be kept here.
        config.ticketer = ring::Ticketer::new()?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let hang_up = signal(SignalKind::hangup()).ok();
        Ok(Self { files, provider, shown, stamp, acceptor, hang_up })
    }

    /// Makes connections out of sockets.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }

    /// Reads the files again; whether they changed. Where they can't be used, what was shown before stays.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn reload(&mut self) -> Result<bool, TlsError> {
        let (certified, stamp) = self.files.read(&self.provider)?;
        let changed = stamp != self.stamp;
        if changed {
            self.stamp = stamp;
            *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
        }
        Ok(changed)
    }

    /// Reloads whenever the files change or the process is told to hang up. Ends by being dropped.
    pub async fn keep_fresh(mut self) {
        let mut complained = None;
        loop {
            let told = async {
                match &mut self.hang_up {
                    Some(signal) => signal.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = told => complained = None,
            }
            let (tls, outcome) = match tokio::task::spawn_blocking(move || {
                let outcome = self.reload();
                (self, outcome)
            })
            .await
            {
                Ok(came) => came,
                Err(error) => {
                    tracing::error!(%error, "the certificate is looked at no more");
                    return;
                }
            };
            self = tls;
            match outcome {
                Ok(true) => tracing::info!("new connections are shown a new certificate"),
                Ok(false) => complained = None,
                Err(error) => {
                    let text = error.to_string();
                    // Files are often replaced one after the other, and a mistake need not be told every ten seconds.
                    if complained.as_ref() != Some(&text) {
                        tracing::error!(error = text, "the new certificate can't be used; the one before stays");
                        complained = Some(text);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(folder: &Path, name: &str) -> Files {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let files = Files { certificate: folder.join("c.pem"), key: folder.join("k.pem") };
        std::fs::write(&files.certificate, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        files
    }

    fn refused(files: &Files) -> String {
        Tls::open(files.clone()).err().unwrap().to_string()
    }

    #[tokio::test]
    async fn files_that_cannot_be_used_are_told_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let files = made(folder.path(), "one.example");
        assert!(Tls::open(files.clone()).is_ok());
        let foreign = Files { key: made(other.path(), "two.example").key, ..files.clone() };
        assert!(refused(&foreign).contains("does not fit"), "{}", refused(&foreign));
        let missing = Files { certificate: folder.path().join("none.pem"), ..files.clone() };
        assert!(refused(&missing).contains("none.pem can't be read"), "{}", refused(&missing));
        let turned = Files { certificate: files.key.clone(), key: files.certificate.clone() };
        assert!(refused(&turned).contains("holds no certificate"), "{}", refused(&turned));
        let keyless = Files { key: files.certificate.clone(), ..files.clone() };
        assert!(refused(&keyless).contains("holds no private key"), "{}", refused(&keyless));
        std::fs::write(&files.certificate, "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n").unwrap();
        assert!(refused(&files).contains("c.pem"), "{}", refused(&files));
    }

    #[tokio::test]
    async fn what_is_shown_changes_with_the_files_and_stays_where_they_are_no_use() {
        let folder = tempfile::tempdir().unwrap();
        let mut tls = Tls::open(made(folder.path(), "one.example")).unwrap();
        let shown = |tls: &Tls| tls.shown.0.read().unwrap().cert[0].clone();
        let first = shown(&tls);
        assert!(!tls.reload().unwrap());
        let files = made(folder.path(), "two.example");
        assert!(tls.reload().unwrap());
        let second = shown(&tls);
        assert_ne!(first, second);
        std::fs::write(&files.certificate, "").unwrap();
        assert!(tls.reload().is_err());
        assert_eq!(shown(&tls), second);
    }
}
