//! Events of many projects over a WebSocket, as a dashboard follows them.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::http;
use common::{ENGLISH, FRENCH, Server, sample, visiobook};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Longest wait for anything that is to come.
const PATIENCE: Duration = Duration::from_secs(60);

async fn connect(server: &Server) -> Socket {
    connect_async(format!("ws://{}/api/v1/events/ws", server.address)).await.unwrap().0
}

async fn say(socket: &mut Socket, message: &Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

/// The next message, or the code and reason of a closing.
async fn hear(socket: &mut Socket) -> Result<Value, (u16, String)> {
    loop {
        match tokio::time::timeout(PATIENCE, socket.next()).await.expect("nothing came") {
            Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(Some(frame)))) => return Err((frame.code.into(), frame.reason.to_string())),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Events until one satisfies.
async fn events(socket: &mut Socket, mut until: impl FnMut(&Value) -> bool) -> Vec<Value> {
    let mut seen = Vec::new();
    loop {
        let message = hear(socket).await.unwrap();
        if message["type"] == "event" {
            seen.push(message["event"].clone());
            if until(&message["event"]) {
                return seen;
            }
        }
    }
}

/// The status of an answer that is no WebSocket.
fn status(refused: Error) -> u16 {
    match refused {
        Error::Http(answer) => answer.status().as_u16(),
        other => panic!("{other}"),
    }
}

fn upload(server: &Server, name: &str) -> String {
    let created = http::upload(&server.address, name, &std::fs::read(sample(name)).unwrap());
    created.json()["id"].as_str().unwrap().to_owned()
}

fn is_ready(event: &Value) -> bool {
    event["state"]["state"] == "ready"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_projects_are_followed_those_to_come_too_and_a_broken_connection_misses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let first = upload(&server, ENGLISH);
    http::events(&server.address, &first, 0, is_ready);
    let mut socket = connect(&server).await;
    say(&mut socket, &json!({ "type": "follow" })).await;
    let following = hear(&mut socket).await.unwrap();
    assert_eq!(following["type"], "following");
    let head = following["after"][&first].as_u64().unwrap();
    assert!(head >= 5, "what has been is not told again");
    let second = upload(&server, FRENCH);
    let told = events(&mut socket, |event| event["project"] == second.as_str()).await;
    assert_eq!((told.len(), &told[0]["seq"]), (1, &json!(1)), "a project to come is told from its first event");
    // The connection breaks without a word.
    drop(socket);
    http::events(&server.address, &second, 0, is_ready);
    let mut socket = connect(&server).await;
    say(&mut socket, &json!({ "type": "follow", "after": { &first: head, &second: 1 } })).await;
    let told = events(&mut socket, is_ready).await;
    let by_stream = http::events(&server.address, &second, 1, is_ready);
    assert_eq!(told, by_stream, "the same events as the project's own stream, from where the other one broke");
    let repeat = http::request(&server.address, "POST", &format!("/api/v1/projects/{first}/runs"), &[], &[]);
    assert_eq!(repeat.status, 201);
    let told = events(&mut socket, is_ready).await;
    assert!(told.iter().all(|event| event["project"] == first.as_str()));
    assert_eq!(told[0]["seq"], head + 1);
    socket.close(None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn named_projects_are_followed_and_no_others() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let (one, other) = (upload(&server, ENGLISH), upload(&server, FRENCH));
    let mut socket = connect(&server).await;
    say(&mut socket, &json!({ "type": "follow", "projects": [one], "after": { &one: 0, &other: 0 } })).await;
    http::events(&server.address, &other, 0, is_ready);
    let told = events(&mut socket, is_ready).await;
    assert!(told.iter().all(|event| event["project"] == one.as_str()));
    let seqs: Vec<u64> = told.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "from the first one on, without a gap");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_something_else_or_asks_for_too_much_is_told_why_it_ends() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let nobody = "00000000-0000-0000-0000-000000000007";
    let many: BTreeMap<String, u64> = (0..1_100_u128).map(|n| (format!("{:032x}", n), 0)).collect();
    for (message, code) in [
        (json!({ "type": "subscribe" }), 4400),
        (json!({ "type": "follow", "projects": [nobody] }), 4404),
        (json!({ "type": "follow", "after": many }), 4413),
    ] {
        let mut socket = connect(&server).await;
        say(&mut socket, &message).await;
        assert_eq!(hear(&mut socket).await.unwrap_err().0, code);
    }
    let mut socket = connect(&server).await;
    say(&mut socket, &json!({ "type": "follow" })).await;
    assert_eq!(hear(&mut socket).await.unwrap()["type"], "following");
    say(&mut socket, &json!({ "type": "follow" })).await;
    assert_eq!(hear(&mut socket).await, Err((4400, "bad-request".to_owned())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_other_sites_and_plain_requests_get_no_socket_and_there_is_a_limit() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    let server = Server::start_with(data.path(), command.env("VISIOBOOK__GATEWAY__MAX_EVENT_STREAMS", "1"));
    let url = format!("ws://{}/api/v1/events/ws", server.address);
    let from = |origin: &str| {
        let mut request = url.as_str().into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        request
    };
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        let refused = connect_async(from(origin)).await.unwrap_err();
        assert_eq!(status(refused), 403, "{origin}");
    }
    let plain = http::get(&server.address, "/api/v1/events/ws");
    assert_eq!((plain.status, plain.code()), (426, "upgrade-required".to_owned()));
    assert_eq!(plain.header("upgrade"), Some("websocket"));
    let (ours, _) = connect_async(from(&format!("http://{}", server.address))).await.unwrap();
    let surplus = connect_async(url.as_str()).await.unwrap_err();
    assert_eq!(status(surplus), 429);
    drop(ours);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_says_so() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let mut socket = connect(&server).await;
    say(&mut socket, &json!({ "type": "follow" })).await;
    hear(&mut socket).await.unwrap();
    let stopping = std::thread::spawn(move || server.running.interrupt());
    assert_eq!(hear(&mut socket).await, Err((1001, "stopping".to_owned())));
    assert!(stopping.join().unwrap().success());
}
