//! TLS: what is spoken, and certificates that change under way.

use http_body_util::BodyExt;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::client::{Certificate, PATIENCE, ask, get, secure, two};
use super::common::{ENGLISH, Server, sample, visiobook};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_versions_of_http_are_served_and_nothing_without_tls() {
    let (certificate, data) = (Certificate::new(), tempfile::tempdir().unwrap());
    let server = Server::start_with(data.path(), &mut certificate.visiobook());
    let one = get(&certificate.connector(&["http/1.1"]), &server.address, "/api/v1/node").await;
    assert_eq!((one.status(), one.version()), (hyper::StatusCode::OK, hyper::Version::HTTP_11));
    let mut sender = two(&certificate.connector(&["h2", "http/1.1"]), &server.address).await;
    let answer = sender.send_request(ask(&server.address, "/api/v1/node")).await.unwrap();
    assert_eq!((answer.status(), answer.version()), (hyper::StatusCode::OK, hyper::Version::HTTP_2));
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, one.body());
    // Without TLS no HTTP is spoken: what comes back, if anything, is TLS's own word of it.
    let mut plain = tokio::net::TcpStream::connect(&server.address).await.unwrap();
    plain.write_all(b"GET /api/v1/node HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, plain.read_to_end(&mut answer)).await.unwrap();
    assert!(!answer.starts_with(b"HTTP/"), "{}", String::from_utf8_lossy(&answer));
    // Who trusts somebody else is not served.
    let other = Certificate::new();
    assert!(secure(&other.connector(&[]), &server.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_is_shown_to_new_connections_and_old_ones_go_on() {
    let (mut certificate, data) = (Certificate::new(), tempfile::tempdir().unwrap());
    let server = Server::start_with(data.path(), &mut certificate.visiobook());
    let before = certificate.connector(&["h2"]);
    let mut old = two(&before, &server.address).await;
    let hang_up = || kill_process(Pid::from_child(&server.running.0), Signal::HUP).unwrap();
    // Half of it is replaced: what was shown before stays.
    std::fs::write(certificate.path("k.pem"), "nothing").unwrap();
    hang_up();
    assert_eq!(get(&before, &server.address, "/health/live").await.status(), 204);
    certificate.replace();
    hang_up();
    let after = certificate.connector(&["http/1.1"]);
    let began = Instant::now();
    while secure(&after, &server.address).await.is_err() {
        assert!(began.elapsed() < PATIENCE, "the new certificate is not shown");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(secure(&before, &server.address).await.is_err(), "the old certificate is still shown");
    let answer = old.send_request(ask(&server.address, "/health/live")).await.unwrap();
    assert_eq!(answer.status(), 204, "a connection was dropped by a new certificate");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_book_and_its_events_go_over_http_2() {
    let (certificate, data) = (Certificate::new(), tempfile::tempdir().unwrap());
    let server = Server::start_with(data.path(), &mut certificate.visiobook());
    let connector = certificate.connector(&["h2"]);
    let stream = secure(&connector, &server.address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    tokio::spawn(connection);
    let post = |path: &str, body: Vec<u8>| {
        let (parts, ()) = hyper::Request::post(ask(&server.address, path).uri()).body(()).unwrap().into_parts();
        hyper::Request::from_parts(parts, http_body_util::Full::new(bytes::Bytes::from(body)))
    };
    let book = std::fs::read(sample(ENGLISH)).unwrap();
    let made = sender.send_request(post(&format!("/api/v1/projects?name={ENGLISH}"), book)).await.unwrap();
    assert_eq!(made.status(), 201);
    let location = made.headers()["location"].to_str().unwrap().to_owned();
    let mut follow = post(&format!("{location}/events"), Vec::new());
    *follow.method_mut() = hyper::Method::GET;
    let mut events = sender.send_request(follow).await.unwrap().into_body();
    let mut text = String::new();
    while !text.contains("\"state\":\"ready\"") {
        let frame = timeout(PATIENCE, events.frame()).await.unwrap().expect("the stream ended").unwrap();
        text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
    }
}

#[test]
fn files_that_are_no_use_are_told_at_start() {
    let (certificate, data) = (Certificate::new(), tempfile::tempdir().unwrap());
    let refused = |certificate: &std::path::Path, key: &std::path::Path| {
        let mut command = visiobook();
        command.env("VISIOBOOK__EDGE__CERTIFICATE", certificate).env("VISIOBOOK__EDGE__KEY", key);
        let output = command.args(["serve", "--port", "0", "--data-dir"]).arg(data.path()).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        message
    };
    let (chain, key) = (certificate.path("c.pem"), certificate.path("k.pem"));
    let message = refused(&certificate.path("none.pem"), &key);
    assert!(message.contains("none.pem can't be read"), "{message}");
    let message = refused(&chain, &chain);
    assert!(message.contains("c.pem holds no private key"), "{message}");
    let other = Certificate::new();
    let message = refused(&chain, &other.path("k.pem"));
    assert!(message.contains("does not fit"), "{message}");
    let message = refused(&chain, std::path::Path::new(""));
    assert!(message.contains("belong together"), "{message}");
    assert!(super::common::files_below(data.path()).is_empty(), "a node that can't be reached touched its data");
}
