//! Bounds of HTTP/2 and 1.1, and how open streams end with the node.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;

use futures_util::StreamExt;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::client::{Certificate, PATIENCE, ask, get, secure, two};
use super::common::http::{finished, request, upload};
use super::common::{ENGLISH, Server, sample, visiobook, wait_for_line};

fn project(server: &Server) -> String {
    let made = upload(&server.address, ENGLISH, &std::fs::read(sample(ENGLISH)).unwrap());
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(finished(&server.address, &id), "ready");
    id
}

#[test]
fn a_header_may_not_grow_for_ever() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let large = "x".repeat(33 << 10);
    let answer = request(&server.address, "GET", "/health/live", &[("x-large", &large)], &[]);
    assert_eq!(answer.status, 431, "{answer:?}");
    let name: Vec<String> = (0..120).map(|number| format!("x-{number}")).collect();
    let many: Vec<(&str, &str)> = name.iter().map(|name| (name.as_str(), "1")).collect();
    assert_eq!(request(&server.address, "GET", "/health/live", &many, &[]).status, 431);
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_OF_STREAM_AND_HEADERS: u8 = 5;
const ENHANCE_YOUR_CALM: u8 = 11;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Whether one of the frames says that all was too much.
fn told_to_calm_down(mut frames: &[u8]) -> bool {
    while let Some((head, rest)) = frames.split_at_checked(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let Some((payload, rest)) = rest.split_at_checked(length) else { return false };
        if head[3] == GOAWAY && payload.get(7) == Some(&ENHANCE_YOUR_CALM) {
            return true;
        }
        frames = rest;
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_has_bounds_too() {
    let (certificate, data) = (Certificate::new(), tempfile::tempdir().unwrap());
    let server = Server::start_with(data.path(), &mut certificate.visiobook());
    let connector = certificate.connector(&["h2"]);
    let mut sender = two(&connector, &server.address).await;
    let mut large = ask(&server.address, "/health/live");
    large.headers_mut().insert("x-large", "x".repeat(33 << 10).parse().unwrap());
    let refused = sender.send_request(large).await;
    assert!(refused.is_err() || refused.is_ok_and(|answer| answer.status() == 431));
    // Requests that are given up at once, over and over: the connection is ended, and not the node.
    let mut stream = secure(&connector, &server.address).await.unwrap();
    let mut said = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    said.extend(frame(SETTINGS, 0, 0, &[]));
    for number in 0..2_000 {
        // GET https://localhost/, and `CANCEL`.
        let header = [&[0x82, 0x84, 0x87, 0x41, 9][..], b"localhost"].concat();
        said.extend(frame(HEADERS, END_OF_STREAM_AND_HEADERS, 2 * number + 1, &header));
        said.extend(frame(RST_STREAM, 0, 2 * number + 1, &[0, 0, 0, 8]));
    }
    // The other end may hang up before it has heard all.
    let _ = stream.write_all(&said).await;
    let mut heard = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut heard)).await.expect("requests are given up for ever");
    assert!(told_to_calm_down(&heard), "{heard:?}");
    assert_eq!(get(&certificate.connector(&["http/1.1"]), &server.address, "/health/live").await.status(), 204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_http_2_that_is_not_read_is_ended_and_its_connection_goes_on() {
    let (certificate, data) = (Certificate::new(), tempfile::tempdir().unwrap());
    let mut command = certificate.visiobook();
    let server = Server::start_with(data.path(), command.env("VISIOBOOK__EDGE__STALL_TIMEOUT_MS", "2000"));
    let mut sender = two(&certificate.connector(&["h2"]), &server.address).await;
    let unread = sender.send_request(ask(&server.address, &super::slow::large_file())).await.unwrap();
    assert_eq!(unread.status(), 200);
    let mut body = unread.into_body();
    let ended = timeout(PATIENCE, async {
        // Not a byte of it is taken, until it must be over; other requests go on meanwhile.
        for _ in 0..20 {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            let answer = sender.send_request(ask(&server.address, "/health/live")).await.unwrap();
            assert_eq!(answer.status(), 204);
        }
        while let Some(frame) = body.frame().await {
            frame?;
        }
        Ok::<_, hyper::Error>(())
    });
    assert!(ended.await.unwrap().is_err(), "a stream that was not read came whole after all");
    assert_eq!(sender.send_request(ask(&server.address, "/health/live")).await.unwrap().status(), 204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_streams_are_closed_properly_when_the_node_stops() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &mut visiobook());
    let id = project(&server);
    let mut events = TcpStream::connect(&server.address).unwrap();
    events.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("GET /api/v1/projects/{id}/events?after=1000 HTTP/1.1\r\nhost: {}\r\n\r\n", server.address);
    events.write_all(head.as_bytes()).unwrap();
    let mut events = BufReader::new(events);
    wait_for_line(&mut events, |line| line.contains("following"));
    let url = format!("ws://{}/api/v1/events/ws", server.address);
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    // One that was left open after its answer, one that says nothing, one in the middle of a header.
    let mut idle = TcpStream::connect(&server.address).unwrap();
    idle.write_all(format!("GET /health/live HTTP/1.1\r\nhost: {}\r\n\r\n", server.address).as_bytes()).unwrap();
    wait_for_line(&mut idle, |line| line.is_empty());
    let _silent = TcpStream::connect(&server.address).unwrap();
    let mut half = TcpStream::connect(&server.address).unwrap();
    half.write_all(b"GET /health/live HTTP/1.1\r\n").unwrap();

    let stopping = std::thread::spawn(move || server.running.interrupt());
    let mut rest = String::new();
    events.read_to_string(&mut rest).unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "the events were cut and not ended: {rest:?}");
    let closing = timeout(PATIENCE, async {
        loop {
            match socket.next().await {
                Some(Ok(tokio_tungstenite::tungstenite::Message::Close(frame))) => {
                    return frame.map(|f| u16::from(f.code));
                }
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    });
    assert_eq!(closing.await.unwrap(), Some(1001));
    let status = tokio::task::spawn_blocking(|| stopping.join().unwrap()).await.unwrap();
    assert!(status.success(), "{status:?}");
}
