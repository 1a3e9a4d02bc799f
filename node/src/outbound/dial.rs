//! Connections to other people's servers, each to an address that was checked.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use url::Host;

use super::guard::{Refused, Rules, Target};

/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 4;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// It leads where this node does not go.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Nobody is there, or nobody who can be trusted to be who they say.
    #[error("the address can't be reached: {0}")]
    Unreachable(String),
}

fn unreachable(detail: impl std::fmt::Display) -> DialError {
    DialError::Unreachable(detail.to_string())
}

/// Bytes in both directions.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection, with TLS where the address says so.
pub type Line = Box<dyn Duplex>;

/// Connects. How long it may take is the caller's to bound.
pub struct Dialler {
    rules: Rules,
    /// Made when it is first needed: reading the machine's certificates takes a while.
    pub(super) tls: OnceLock<Result<TlsConnector, String>>,
}

fn connector() -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err("this machine has no certificate authorities: install ca-certificates".to_owned());
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|e| e.to_string())?.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

impl Dialler {
    /// One that keeps to `rules`.
    pub fn new(rules: Rules) -> Self {
        Self { rules, tls: OnceLock::new() }
    }

    /// Understands an address, and says whether its text is allowed.
    ///
    /// # Errors
    /// Why it is not.
    pub fn understand(&self, url: &str) -> Result<Target, Refused> {
        self.rules.understand(url)
    }

    /// The addresses that a target has, each of them checked: where one of them is refused, all are, for a name that
    /// leads inwards is no mistake.
    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, DialError> {
        let name = match &target.host {
            Host::Ipv4(ip) => return self.admitted(IpAddr::V4(*ip), target.port).map(|one| vec![one]),
            Host::Ipv6(ip) => return self.admitted(IpAddr::V6(*ip), target.port).map(|one| vec![one]),
            Host::Domain(name) => name.as_str(),
        };
        let found = tokio::net::lookup_host((name, target.port)).await;
        let found: Vec<SocketAddr> = found.map_err(|e| unreachable(format!("{name} has no address: {e}")))?.collect();
        if found.is_empty() {
            return Err(unreachable(format!("{name} has no address")));
        }
        found.iter().map(|address| self.admitted(address.ip(), target.port)).collect()
    }

    fn admitted(&self, ip: IpAddr, port: u16) -> Result<SocketAddr, DialError> {
        self.rules.admit(ip)?;
        Ok(SocketAddr::new(ip, port))
    }

    async fn connect(&self, target: &Target) -> Result<TcpStream, DialError> {
        let mut last = unreachable("it has no address");
        for address in self.addresses(target).await?.into_iter().take(MAX_ADDRESSES) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = unreachable(error),
            }
        }
        Err(last)
    }

    /// Connects to a target, under TLS unless it is plain HTTP.
    ///
    /// # Errors
    /// Why there is no connection.
    pub async fn dial(&self, target: &Target) -> Result<Line, DialError> {
        let stream = self.connect(target).await?;
        if target.url.scheme() == "http" {
            return Ok(Box::new(stream));
        }
        let tls = self.tls.get_or_init(connector).as_ref().map_err(unreachable)?;
        let name = match &target.host {
            Host::Domain(name) => ServerName::try_from(name.clone()).map_err(unreachable)?,
            Host::Ipv4(ip) => ServerName::from(IpAddr::V4(*ip)),
            Host::Ipv6(ip) => ServerName::from(IpAddr::V6(*ip)),
        };
        Ok(Box::new(tls.connect(name, stream).await.map_err(unreachable)?))
    }
}
