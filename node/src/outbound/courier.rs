//! One POST over one connection, to an address that was checked.

use std::time::Duration;

use actors::webhooks::{Courier, Letter};
use async_trait::async_trait;
use bytes::Bytes;
use cluster::body::Fault;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use super::dial::{DialError, Dialler, Line};
use super::guard::{Refused, Rules, Target};

/// Largest head of an answer. Its body is not read at all.
const MAX_HEAD_BYTES: usize = 16 << 10;

type Result<T> = std::result::Result<T, Fault>;

/// Carries letters over HTTP.
pub struct HttpCourier {
    dialler: Dialler,
    within: Duration,
}

fn refused(refused: &Refused) -> Fault {
    Fault::new("webhook-url-refused", refused.to_string())
}

fn unreachable(detail: impl std::fmt::Display) -> Fault {
    Fault::new("webhook-unreachable", format!("the address can't be reached: {detail}"))
}

impl HttpCourier {
    /// A courier that keeps to `rules` and takes at most `within` for a letter.
    pub fn new(rules: Rules, within: Duration) -> Self {
        Self { dialler: Dialler::new(rules), within }
    }

    async fn carry(&self, letter: Letter) -> Result<u16> {
        let target = self.dialler.understand(&letter.url).map_err(|e| refused(&e))?;
        let line = self.dialler.dial(&target).await.map_err(|error| match error {
            DialError::Refused(why) => refused(&why),
            DialError::Unreachable(why) => unreachable(why),
        })?;
        post(TokioIo::new(line), &target, letter).await
    }
}

/// Sends a letter over a connection and gives the status of the answer. The connection ends with this: no redirect is
/// followed, and nothing of the answer's body is read.
async fn post(stream: TokioIo<Line>, target: &Target, letter: Letter) -> Result<u16> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD_BYTES);
    let (mut sender, connection) = builder.handshake(stream).await.map_err(unreachable)?;
    let path = &target.url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &target.url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut request = hyper::Request::post(path)
        .header(header::HOST, host)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("visiobook/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .body(Full::new(Bytes::from(letter.body)))
        .map_err(unreachable)?;
    for (name, value) in letter.headers {
        let value = HeaderValue::from_str(&value).map_err(unreachable)?;
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    // The connection goes with this function, however far the answer's body is.
    let mut driving = JoinSet::new();
    driving.spawn(connection);
    let answer = sender.send_request(request).await.map_err(unreachable)?;
    Ok(answer.status().as_u16())
}

#[async_trait]
impl Courier for HttpCourier {
    fn check(&self, url: &str) -> Result<()> {
        self.dialler.understand(url).map(|_| ()).map_err(|e| refused(&e))
    }

    async fn post(&self, letter: Letter) -> Result<u16> {
        let carried = tokio::time::timeout(self.within, self.carry(letter)).await;
        carried.unwrap_or_else(|_| {
            let detail = format!("the address did not answer within {} ms", self.within.as_millis());
            Err(Fault::new("webhook-timeout", detail))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto};
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;

    fn courier(networks: &[&str]) -> HttpCourier {
        let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
        HttpCourier::new(Rules { http: true, ports: vec![], networks }, Duration::from_millis(1_000))
    }

    fn letter(url: String) -> Letter {
        Letter { url, headers: vec![("webhook-id", "evt_1".to_owned())], body: b"{}".to_vec() }
    }

    async fn code(courier: &HttpCourier, url: String) -> String {
        courier.post(letter(url)).await.unwrap_err().code
    }

    /// A server that says `answer` to whoever asks, and where it is.
    async fn server(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = [0; 2_048];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                if answer.is_empty() {
                    // Hangs, as long as the other end waits.
                    tokio::spawn(async move { stream.read(&mut [0; 1]).await });
                }
            }
        });
        address
    }

    #[tokio::test]
    async fn a_name_is_judged_by_where_it_leads() {
        let address = server("HTTP/1.1 204 No Content\r\n\r\n").await;
        let port = address.rsplit(':').next().unwrap();
        let by_name = format!("http://localhost:{port}/");
        assert_eq!(code(&courier(&[]), by_name.clone()).await, "webhook-url-refused");
        assert_eq!(courier(&["127.0.0.0/8", "::1/128"]).post(letter(by_name)).await, Ok(204));
        assert_eq!(
            code(&courier(&["127.0.0.0/8"]), "http://no-such-name.invalid/".into()).await,
            "webhook-unreachable"
        );
    }

    #[tokio::test]
    async fn no_redirect_is_followed_and_no_body_read() {
        let answer = "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 999999999\r\n\r\nabc";
        let address = server(answer).await;
        assert_eq!(courier(&["127.0.0.0/8"]).post(letter(format!("http://{address}/"))).await, Ok(302));
    }

    /// A server over TLS whose certificate is for `name`, and a connector that trusts whoever signed it.
    async fn secure_server(name: &str) -> (u16, TlsConnector) {
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut authority = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority_cert = authority.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let cert = params.signed_by(&key, &issuer).unwrap();
        let provider = Arc::new(crypto::ring::default_provider());
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let server = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let server = server.unwrap().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key.into());
        let acceptor = TlsAcceptor::from(Arc::new(server.unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let _ = stream.read(&mut [0; 2_048]).await;
                let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\n\r\n").await;
                let _ = stream.shutdown().await;
            }
        });
        let mut roots = RootCertStore::empty();
        roots.add(authority_cert.der().clone()).unwrap();
        let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let client = client.unwrap().with_root_certificates(roots).with_no_client_auth();
        (port, TlsConnector::from(Arc::new(client)))
    }

    #[tokio::test]
    async fn a_certificate_must_be_for_the_name_that_was_called_and_signed_by_whom_the_machine_trusts() {
        let networks = ["127.0.0.0/8", "::1/128"];
        for (name, expected) in [("localhost", Ok(202)), ("other.example", Err("webhook-unreachable".to_owned()))] {
            let (port, connector) = secure_server(name).await;
            let local = courier(&networks);
            assert!(local.dialler.tls.set(Ok(connector)).is_ok());
            let answer = local.post(letter(format!("https://localhost:{port}/"))).await;
            assert_eq!(answer.map_err(|fault| fault.code), expected, "{name}");
            // The machine's own authorities did not sign it.
            let strict = courier(&networks);
            assert_eq!(code(&strict, format!("https://localhost:{port}/")).await, "webhook-unreachable");
        }
    }

    #[tokio::test]
    async fn who_hangs_is_left_and_who_talks_nonsense_too() {
        let local = courier(&["127.0.0.0/8"]);
        assert_eq!(code(&local, format!("http://{}/", server("").await)).await, "webhook-timeout");
        assert_eq!(code(&local, format!("http://{}/", server("SSH-2.0\r\n").await)).await, "webhook-unreachable");
        // TLS is asked of a server that has none.
        let plain = server("HTTP/1.1 204 No Content\r\n\r\n").await;
        let code = code(&local, format!("https://{plain}/")).await;
        assert!(["webhook-unreachable", "webhook-timeout"].contains(&code.as_str()), "{code}");
    }
}
