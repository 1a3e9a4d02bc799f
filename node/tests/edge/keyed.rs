//! A request that is sent again makes nothing twice, whatever died meanwhile.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;

use super::client::PATIENCE;
use super::common::http::{Answer, get, request, try_request};
use super::common::{Server, visiobook};

fn book(about: &str) -> Vec<u8> {
    format!("Chapter One\n\n{}", format!("“Where is the {about}?” asked Anna. The ferry left at nine. ").repeat(30))
        .into_bytes()
}

fn post(server: &Server, path: &str, key: &str, body: &[u8]) -> Answer {
    request(&server.address, "POST", path, &[("idempotency-key", key)], body)
}

fn id(answer: &Answer) -> String {
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn count(server: &Server, path: &str, list: &str) -> usize {
    get(&server.address, path).json()[list].as_array().unwrap().len()
}

fn is_mismatch(answer: &Answer) {
    assert_eq!((answer.status, answer.code().as_str()), (422, "idempotency-mismatch"), "{answer:?}");
}

const CREATE: &str = "/api/v1/projects?name=lamp.txt";
const WEBHOOK: &[u8] = br#"{"url": "https://books.example/hook"}"#;

#[test]
fn the_same_request_gets_the_same_answer_and_another_one_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let (lamp, boat) = (book("lamp"), book("boat"));
    let first = post(&server, CREATE, "k1", &lamp);
    let again = post(&server, CREATE, "k1", &lamp);
    assert_eq!((again.status, &again.body, again.header("location")), (201, &first.body, first.header("location")));
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), (None, Some("true")));
    is_mismatch(&post(&server, CREATE, "k1", &boat));
    is_mismatch(&post(&server, "/api/v1/projects?name=other.txt", "k1", &lamp));
    is_mismatch(&post(&server, "/api/v1/webhooks", "k1", WEBHOOK));
    assert_eq!(count(&server, "/api/v1/projects", "projects"), 1);
    assert_ne!(id(&post(&server, CREATE, "k2", &lamp)), id(&first));
    for wrong in ["", "two words"] {
        assert_eq!(post(&server, CREATE, wrong, &lamp).status, 400, "{wrong:?}");
    }
    // What was refused was not done: the same key may be used for what is mended.
    assert_eq!(post(&server, CREATE, "k3", b"").status, 422);
    assert_eq!(post(&server, CREATE, "k3", &boat).status, 201);
    // Where nothing is made the header means nothing.
    let looked = request(&server.address, "GET", "/api/v1/node", &[("idempotency-key", "k1")], &[]);
    assert_eq!(looked.status, 200);
}

/// Whether anything came of a request so far.
fn is_answered(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let came = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    came.is_ok()
}

/// Sends the first part of a request with a key, asks for the same until it is told to wait, and sends the rest: what
/// is answered to both. `None` where the second one was heard first.
fn two_at_a_time(server: &Server, key: &str, book: &[u8]) -> Option<(Answer, String)> {
    let mut slow = TcpStream::connect(&server.address).unwrap();
    slow.set_read_timeout(Some(PATIENCE)).unwrap();
    let (address, length) = (&server.address, book.len());
    let head = format!("POST {CREATE} HTTP/1.1\r\nhost: {address}\r\nidempotency-key: {key}\r\n");
    slow.write_all(format!("{head}content-length: {length}\r\n\r\n").as_bytes()).unwrap();
    slow.write_all(&book[..100]).unwrap();
    // Time to hear of it, most often.
    (0..5).for_each(|_| drop(get(&server.address, "/health/live")));
    let began = std::time::Instant::now();
    let refused = loop {
        if is_answered(&slow) {
            return None;
        }
        // An empty book is refused, so that it takes no key for itself.
        let answer = post(server, CREATE, key, b"");
        if answer.status == 409 {
            break answer;
        }
        assert!(began.elapsed() < PATIENCE, "{answer:?}");
    };
    slow.write_all(&book[100..]).unwrap();
    let mut line = String::new();
    BufReader::new(slow).read_line(&mut line).unwrap();
    (!line.contains("409")).then_some((refused, line))
}

#[test]
fn while_the_first_one_is_answered_the_others_are_told_to_wait() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let lamp = book("lamp");
    let mut keys = (0..100).map(|number| format!("slow-{number}"));
    let (key, refused, line) = keys
        .find_map(|key| two_at_a_time(&server, &key, &lamp).map(|(refused, line)| (key, refused, line)))
        .expect("the second one always came first");
    assert_eq!((refused.code().as_str(), refused.header("retry-after")), ("idempotency-running", Some("1")));
    assert!(line.contains("201"), "{line}");
    assert_eq!(post(&server, CREATE, &key, &lamp).header("idempotency-replayed"), Some("true"));
    assert_eq!(count(&server, "/api/v1/projects", "projects"), 1);
}

/// Makes one of everything, each with its key; the ids.
fn everything(server: &Server) -> Vec<String> {
    let project = id(&post(server, CREATE, "project", &book("lamp")));
    super::common::http::finished(&server.address, &project);
    let run = id(&post(server, &format!("/api/v1/projects/{project}/runs"), "run", b"{}"));
    let webhook = id(&post(server, "/api/v1/webhooks", "webhook", WEBHOOK));
    let tus = [("tus-resumable", "1.0.0"), ("upload-length", "7"), ("upload-metadata", "filename YS50eHQ=")];
    let headers = [&tus[..], &[("idempotency-key", "upload")]].concat();
    let upload = id(&request(&server.address, "POST", "/api/v1/uploads", &headers, &[]));
    vec![project, run, webhook, upload]
}

#[test]
fn a_killed_node_makes_nothing_twice() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let made = everything(&server);
    server.running.kill();
    let server = Server::start(data.path());
    assert_eq!(everything(&server), made);
    let runs = format!("/api/v1/projects/{}/runs", made[0]);
    let counts = [("/api/v1/projects", "projects"), (&runs, "runs"), ("/api/v1/webhooks", "webhooks")];
    assert_eq!(counts.map(|(path, list)| count(&server, path, list)), [1, 2, 1]);
    // Nor is another request taken for the first one, by whatever is left to tell.
    server.running.kill();
    let server = Server::start(data.path());
    is_mismatch(&post(&server, CREATE, "project", &book("boat")));
    is_mismatch(&post(&server, &runs, "run", br#"{"settings": {"panel_words": 41}}"#));
    is_mismatch(&post(&server, "/api/v1/webhooks", "webhook", br#"{"url": "https://books.example/other"}"#));
    assert_eq!(counts.map(|(path, list)| count(&server, path, list)), [1, 2, 1]);
}

/// Kills the node at a step of a request, then sends the request again to the next one.
fn killed_at(step: &str, data: &Path, path: &str, list: (&str, &str), body: &[u8]) {
    let mut command = visiobook();
    let server = Server::start_with(data, command.env("VISIOBOOK_FAILPOINT", step));
    let before = count(&server, list.0, list.1);
    let key = step.replace(' ', "-");
    let key = [("idempotency-key", key.as_str())];
    let answer = try_request(&server.address, "POST", path, &key, body);
    assert!(answer.is_none(), "`{step}` was not passed: {answer:?}");
    drop(server);
    let server = Server::start(data);
    let began = std::time::Instant::now();
    let again = loop {
        let again = request(&server.address, "POST", path, &key, body);
        // What the dead node left may still be being cleared away.
        if !matches!(again.status, 409 | 503) || began.elapsed() > PATIENCE {
            break again;
        }
    };
    assert_eq!(again.status, 201, "{step}: {again:?}");
    assert_eq!(count(&server, list.0, list.1), before + 1, "{step}");
    assert_eq!(id(&request(&server.address, "POST", path, &key, body)), id(&again), "{step}");
    assert_eq!(count(&server, list.0, list.1), before + 1, "{step}");
}

#[test]
fn a_node_that_dies_in_the_middle_of_making_something_makes_one() {
    let data = tempfile::tempdir().unwrap();
    for step in [
        "a blob's folders are synced",
        "after the commit of putting an intent",
        "after the commit of adding a run",
        "before the commit of adding a project",
        "after the commit of adding a project",
    ] {
        killed_at(step, data.path(), CREATE, ("/api/v1/projects", "projects"), &book(step));
    }
    for step in ["before the commit of adding a webhook", "after the commit of adding a webhook"] {
        killed_at(step, data.path(), "/api/v1/webhooks", ("/api/v1/webhooks", "webhooks"), WEBHOOK);
    }
}
