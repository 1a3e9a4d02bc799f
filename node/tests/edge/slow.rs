//! A thousand connections that take their time, in each way that there is, while others are served.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

use super::client::{Certificate, PATIENCE, ask, get, two};
use super::common::{Server, repository};

/// Connections of each kind.
const EACH: usize = 167;
/// How long the node waits, milliseconds.
const WAIT_MS: &str = "6000";
/// A byte comes so often: much more often than the node would wait for one.
const DRIBBLE: Duration = Duration::from_secs(1);

/// A way to be slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Slowness {
    /// Says nothing at all.
    Silent,
    /// Begins TLS and does not go on.
    HalfHandshake,
    /// Begins HTTP/2 and does not go on.
    HalfPreface,
    /// A header, byte by byte.
    Header,
    /// A body, byte by byte.
    Body,
    /// Asks for much and takes nothing.
    Reader,
}

use Slowness::{Body, HalfHandshake, HalfPreface, Header, Reader, Silent};

const HOST: &str = "host: localhost\r\n";

/// Says one byte after the other until it is told that nobody listens.
async fn dribble(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let mut buffer = [0; 1_024];
    loop {
        if stream.write_all(b"x").await.is_err() || stream.flush().await.is_err() {
            return;
        }
        // An answer may come before the end: that the node closed is what counts.
        match timeout(DRIBBLE, stream.read(&mut buffer)).await {
            Err(_) | Ok(Ok(1..)) => {}
            Ok(Ok(0) | Err(_)) => return,
        }
    }
}

/// The first part of a client's first word: a record of 512 bytes is announced, and never comes whole.
fn half_a_handshake() -> Vec<u8> {
    let mut hello = vec![0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
    hello.resize(200, 7);
    hello
}

/// A connection that takes little at a time.
async fn connected(address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket.connect(address.parse().unwrap()).await.unwrap()
}

/// The same over TLS, however often this machine is too busy to open one within the node's patience.
async fn secured(address: &str, connector: &TlsConnector) -> TlsStream<TcpStream> {
    loop {
        let name = ServerName::try_from("localhost").unwrap();
        if let Ok(stream) = connector.connect(name, connected(address).await).await {
            return stream;
        }
    }
}

/// Is slow, for as long as it is let.
async fn be_slow(how: Slowness, address: String, connector: TlsConnector, large: String, begun: Arc<AtomicUsize>) {
    let count = || begun.fetch_add(1, Relaxed);
    if matches!(how, Silent | HalfHandshake) {
        let mut stream = connected(&address).await;
        if how == HalfHandshake {
            stream.write_all(&half_a_handshake()).await.unwrap();
        }
        count();
        return std::future::pending().await;
    }
    let mut stream = secured(&address, &connector).await;
    let first = match how {
        HalfPreface => "PRI * HTTP/2.0\r\n".to_owned(),
        Header => format!("GET / HTTP/1.1\r\n{HOST}x-long: "),
        Body => format!("POST /api/v1/projects?name=a.txt HTTP/1.1\r\n{HOST}content-length: 1000000\r\n\r\n"),
        _ => format!("GET {large} HTTP/1.1\r\n{HOST}\r\n").repeat(20),
    };
    stream.write_all(first.as_bytes()).await.unwrap();
    count();
    if matches!(how, Header | Body) {
        dribble(&mut stream).await;
    }
    // Held, and never read.
    std::future::pending::<()>().await;
}

/// Sockets that a process has open.
fn sockets(process: u32) -> usize {
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let links = files.flatten().filter_map(|file| std::fs::read_link(file.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

/// The largest file of the page.
pub fn large_file() -> String {
    let files = std::fs::read_dir(repository("web/dist")).unwrap().flatten();
    let wasm = files.map(|file| file.file_name().into_string().unwrap()).find(|name| name.ends_with(".wasm"));
    format!("/{}", wasm.expect("the web app is built by `cargo xtask setup`"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_slow_connections_are_ended_and_keep_nobody_waiting() {
    let (certificate, data) = (Certificate::new(), tempfile::tempdir().unwrap());
    let mut command = certificate.visiobook();
    for wait in ["OPENING", "HEAD", "STALL"] {
        command.env(format!("VISIOBOOK__EDGE__{wait}_TIMEOUT_MS"), WAIT_MS);
    }
    let server = Server::start_with(data.path(), &mut command);
    let (process, connector) = (server.running.0.id(), certificate.connector(&["http/1.1"]));
    let mut faithful = two(&certificate.connector(&["h2"]), &server.address).await;
    let answer = faithful.send_request(ask(&server.address, "/api/v1/node")).await.unwrap();
    assert_eq!(answer.status(), 200);
    let before = sockets(process);

    let (mut slow, begun, large) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)), large_file());
    for _ in 0..EACH {
        for how in [Silent, HalfHandshake, HalfPreface, Header, Body, Reader] {
            slow.spawn(be_slow(how, server.address.clone(), connector.clone(), large.clone(), begun.clone()));
        }
    }
    let from = Instant::now();
    let (mut served, mut most) = (0, 0);
    // Others come and are served all the while: each over a connection of its own, and one over an old one.
    while begun.load(Relaxed) < 6 * EACH || served < 20 {
        assert_eq!(get(&connector, &server.address, "/api/v1/projects").await.status(), 200);
        let answer = faithful.send_request(ask(&server.address, "/api/v1/node")).await.unwrap();
        assert_eq!(answer.status(), 200);
        (served, most) = (served + 1, most.max(sockets(process)));
        assert!(from.elapsed() < 3 * PATIENCE, "{served} served, {} slow", begun.load(Relaxed));
    }
    println!("{served} served beside {most} sockets in {:?}", from.elapsed());
    let from = Instant::now();
    while sockets(process) > before {
        assert!(from.elapsed() < 3 * PATIENCE, "{} of {most} sockets are still open", sockets(process) - before);
        sleep(Duration::from_millis(200)).await;
    }
    println!("all slow connections were ended after {:?} more", from.elapsed());
    assert!(slow.try_join_next().is_none(), "one of the slow gave up by itself");
    assert_eq!(get(&connector, &server.address, "/api/v1/projects").await.status(), 200);
}
