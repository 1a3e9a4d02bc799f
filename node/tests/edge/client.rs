//! Clients that speak TLS, and the certificates that they trust.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_rustls::{TlsConnector, rustls};

use super::common::visiobook;

/// Longest wait for anything that is to come.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A certificate that signed itself, and where it lies.
pub struct Certificate {
    pub folder: tempfile::TempDir,
    pub der: CertificateDer<'static>,
}

impl Certificate {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let der = write(folder.path());
        Self { folder, der }
    }

    /// Puts another one in its place.
    pub fn replace(&mut self) {
        self.der = write(self.folder.path());
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, told to speak TLS with it.
    pub fn visiobook(&self) -> Command {
        let mut command = visiobook();
        command.env("VISIOBOOK__EDGE__CERTIFICATE", self.path("c.pem")).env("VISIOBOOK__EDGE__KEY", self.path("k.pem"));
        command
    }

    /// A client that trusts this one and speaks what is named.
    pub fn connector(&self, alpn: &[&str]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        // Each handshake is a whole one, which shows the certificate.
        config.resumption = rustls::client::Resumption::disabled();
        TlsConnector::from(Arc::new(config))
    }
}

fn write(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("c.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("k.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

pub async fn secure(connector: &TlsConnector, address: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

fn port(address: &str) -> &str {
    address.rsplit(':').next().unwrap()
}

/// An answer over HTTP/1.1 and TLS.
pub async fn get(connector: &TlsConnector, address: &str, path: &str) -> hyper::Response<Bytes> {
    let stream = secure(connector, address).await.unwrap();
    let (mut sender, connection) = http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::get(path).header("host", format!("localhost:{}", port(address)));
    let answer = sender.send_request(request.body(Empty::new()).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    hyper::Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

/// A connection of HTTP/2.
pub async fn two(connector: &TlsConnector, address: &str) -> http2::SendRequest<Empty<Bytes>> {
    let stream = secure(connector, address).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let mut builder = http2::Builder::new(TokioExecutor::new());
    // As the standard has it: what is not read does not come.
    builder.initial_stream_window_size(65_535).initial_connection_window_size(1 << 20);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// A request for an address of a node that is called `localhost`.
pub fn ask(address: &str, path: &str) -> hyper::Request<Empty<Bytes>> {
    let uri = format!("https://localhost:{}{path}", port(address));
    hyper::Request::get(uri).body(Empty::new()).unwrap()
}
