//! Addresses that are told of events: a real node, real receivers, real signatures.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::http::{self, Answer};
use common::{ENGLISH, Server, sample, visiobook};
use serde_json::{Value, json};

/// Longest wait for anything that is to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a receiver was sent.
struct Sent {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Sent {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("no {name}"))
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What a receiver does with a request.
type Behaviour = fn(usize, &mut TcpStream);

fn say(stream: &mut TcpStream, answer: &str) {
    let _ = stream.write_all(format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n").as_bytes());
}

fn take(stream: &TcpStream) -> Option<Sent> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    assert!(line.starts_with("POST /hook?of=books HTTP/1.1"), "{line}");
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None => break,
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Sent { headers, body })
}

/// A receiver on loopback, and what it was sent.
fn receiver(behaviour: Behaviour) -> (String, Receiver<Sent>) {
    receiver_on(TcpListener::bind("127.0.0.1:0").unwrap(), behaviour)
}

fn receiver_on(listener: TcpListener, behaviour: Behaviour) -> (String, Receiver<Sent>) {
    let url = format!("http://{}/hook?of=books", listener.local_addr().unwrap());
    let (tell, told): (Sender<Sent>, _) = channel();
    std::thread::spawn(move || {
        for (count, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let Some(sent) = take(&stream) else { continue };
            if tell.send(sent).is_err() {
                return;
            }
            behaviour(count, &mut stream);
        }
    });
    (url, told)
}

fn serve(data: &Path, command: &mut Command) -> Server {
    command.env("VISIOBOOK__WEBHOOKS__ALLOW_HTTP", "true").env("VISIOBOOK__WEBHOOKS__PORTS", "[]");
    command.env("VISIOBOOK__WEBHOOKS__ALLOW_NETWORKS", "[\"127.0.0.0/8\"]");
    command.env("VISIOBOOK__WEBHOOKS__RETRY_FIRST_MS", "100");
    Server::start_with(data, command)
}

fn ask(server: &Server, method: &str, path: &str, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    http::request(&server.address, method, path, &[("content-type", "application/json")], body.as_bytes())
}

fn create(server: &Server, body: &Value) -> String {
    let made = ask(server, "POST", "/api/v1/webhooks", body);
    assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
    let path = made.header("location").unwrap().to_owned();
    assert_eq!(path, format!("/api/v1/webhooks/{}", made.json()["id"].as_str().unwrap()));
    path
}

fn upload(server: &Server) -> String {
    let created = http::upload(&server.address, ENGLISH, &std::fs::read(sample(ENGLISH)).unwrap());
    assert_eq!(created.status, 201, "{}", String::from_utf8_lossy(&created.body));
    created.json()["id"].as_str().unwrap().to_owned()
}

/// Waits until a webhook is as it should be.
fn until(server: &Server, path: &str, mut is_so: impl FnMut(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let found = http::get(&server.address, path).json();
        if is_so(&found) {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{found}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// Verifies a delivery as the specification of Standard Webhooks says, with what the receiver was given.
fn verify(sent: &Sent, secrets: &Value) {
    let signed = [sent.header("webhook-id"), ".", sent.header("webhook-timestamp"), "."].concat().into_bytes();
    let signed = [signed, sent.body.clone()].concat();
    let of: Vec<&str> = sent.header("webhook-signature").split(' ').collect();
    let keys: Vec<&str> = sent.header("visiobook-key-id").split(' ').collect();
    let secrets = secrets["secrets"].as_array().unwrap();
    assert_eq!((of.len(), keys.len()), (secrets.len(), secrets.len()));
    for ((signature, key), secret) in of.iter().zip(keys).zip(secrets) {
        assert_eq!(secret["key_id"], key);
        let secret = STANDARD.decode(secret["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap()).unwrap();
        let secret: [u8; 32] = secret.try_into().unwrap();
        let expected = format!("v1,{}", STANDARD.encode(store::keyring::mac(&secret.into(), &signed)));
        assert_eq!(**signature, expected);
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let then: u64 = sent.header("webhook-timestamp").parse().unwrap();
    assert!(now.abs_diff(then) < 60);
}

#[test]
fn a_run_is_told_from_its_first_state_to_its_last_signed_and_in_order() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), &mut visiobook());
    upload_and_wait(&server);
    let (url, told) = receiver(|_, stream| say(stream, "204 No Content"));
    let path = create(&server, &json!({ "url": url }));
    let secrets = http::get(&server.address, &format!("{path}/secrets")).json();
    let project = upload(&server);
    let mut kinds = Vec::new();
    let mut seqs = Vec::new();
    while kinds.last().is_none_or(|kind| kind != "run.ready") {
        let sent = told.recv_timeout(PATIENCE).unwrap();
        verify(&sent, &secrets);
        let event = sent.json();
        assert_eq!(sent.header("webhook-id"), event["id"].as_str().unwrap());
        assert_eq!(event["data"]["project"], project, "what was before the webhook is not told");
        kinds.push(event["type"].as_str().unwrap().to_owned());
        seqs.push(event["data"]["seq"].as_u64().unwrap());
    }
    assert_eq!(kinds, ["run.received", "run.reading", "run.understanding", "run.composing", "run.ready"]);
    assert!(seqs.is_sorted() && seqs[0] == 1, "{seqs:?}");
    let found = until(&server, &path, |found| found["deliveries"].as_array().unwrap().len() == 5);
    assert_eq!(found["standing"]["standing"], "active");
    assert_eq!(
        (&found["deliveries"][0]["kind"], &found["deliveries"][0]["status"]),
        (&json!("run.ready"), &json!(204))
    );
    assert_eq!(ask(&server, "DELETE", &path, &Value::Null).status, 204);
    assert_eq!(http::get(&server.address, &path).code(), "webhook-not-found");
    upload_and_wait(&server);
    assert!(told.try_recv().is_err(), "nothing is told once the webhook is gone");
}

fn upload_and_wait(server: &Server) -> String {
    let project = upload(server);
    http::events(&server.address, &project, 0, |event| event["state"]["state"] == "ready");
    project
}

#[test]
fn a_rotated_key_leaves_the_old_secret_good_and_a_restart_loses_no_event() {
    let data = tempfile::tempdir().unwrap();
    let server = serve(data.path(), &mut visiobook());
    // Nobody listens at first: the events wait.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let path = create(&server, &json!({ "url": format!("http://{address}/hook?of=books") }));
    let old = http::get(&server.address, &format!("{path}/secrets")).json()["secrets"][0].clone();
    upload_and_wait(&server);
    until(&server, &path, |found| found["standing"]["standing"] == "failing");
    server.running.kill();
    let mut rotate = visiobook();
    common::succeed(rotate.args(["keys", "rotate", "--data-dir"]).arg(data.path()));
    let (_, told) = receiver_on(TcpListener::bind(address).unwrap(), |_, stream| say(stream, "200 OK"));
    let server = serve(data.path(), &mut visiobook());
    let secrets = http::get(&server.address, &format!("{path}/secrets")).json();
    assert_eq!(secrets["secrets"][1], old, "the old secret stays while its key does");
    let mut kinds = Vec::new();
    while kinds.last().is_none_or(|kind| kind != "run.ready") {
        let sent = told.recv_timeout(PATIENCE).unwrap();
        verify(&sent, &secrets);
        kinds.push(sent.json()["type"].as_str().unwrap().to_owned());
    }
    // The first one may have been under way when the node was killed.
    kinds.dedup();
    assert_eq!(kinds, ["run.received", "run.reading", "run.understanding", "run.composing", "run.ready"]);
}

#[test]
fn what_fails_is_tried_again_with_the_same_id_until_it_arrives() {
    let data = tempfile::tempdir().unwrap();
    // Long enough for the receiver's own answers on a busy machine.
    let server = serve(data.path(), visiobook().env("VISIOBOOK__WEBHOOKS__TIMEOUT_MS", "3000"));
    let (url, told) = receiver(|count, stream| match count {
        0 => say(stream, "500 Internal Server Error"),
        1 => say(stream, "302 Found\r\nlocation: http://169.254.169.254/latest/meta-data/"),
        // Hangs until the node gives up.
        2 => assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0),
        _ => say(stream, "204 No Content"),
    });
    let path = create(&server, &json!({ "url": url }));
    upload(&server);
    let first: Vec<Sent> = (0..4).map(|_| told.recv_timeout(PATIENCE).unwrap()).collect();
    assert!(first.iter().all(|sent| sent.header("webhook-id") == first[0].header("webhook-id")));
    assert!(first.iter().all(|sent| sent.body == first[0].body), "the same event in the same words");
    let found = until(&server, &path, |found| {
        found["deliveries"].as_array().unwrap().iter().any(|delivery| delivery["attempt"] == 4)
    });
    assert_eq!(found["standing"]["standing"], "active");
    let mut attempts = found["deliveries"].as_array().unwrap().clone();
    attempts.reverse();
    let problems: Vec<_> = attempts.iter().take(4).map(|a| (a["status"].as_u64(), a["problem"].as_str())).collect();
    let expected = [
        (Some(500), Some("webhook-status")),
        (Some(302), Some("webhook-status")),
        (None, Some("webhook-timeout")),
        (Some(204), None),
    ];
    assert_eq!(problems, expected);
}

#[test]
fn an_address_that_fails_for_too_long_or_is_gone_is_switched_off_and_can_be_switched_on() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    let server = serve(data.path(), command.env("VISIOBOOK__WEBHOOKS__GIVE_UP_AFTER_S", "1"));
    let (failing, _keep) = receiver(|_, stream| say(stream, "503 Service Unavailable"));
    let (gone, _keep_too) = receiver(|_, stream| say(stream, "410 Gone"));
    let (failing, gone) = (create(&server, &json!({ "url": failing })), create(&server, &json!({ "url": gone })));
    upload(&server);
    let found = until(&server, &gone, |found| found["standing"]["standing"] == "off");
    assert_eq!((&found["standing"]["reason"], found["deliveries"].as_array().unwrap().len()), (&json!("gone"), 1));
    let found = until(&server, &failing, |found| found["standing"]["standing"] == "off");
    assert_eq!(found["standing"]["reason"], "failing");
    assert!(found["deliveries"].as_array().unwrap().len() > 1);
    let (url, told) = receiver(|_, stream| say(stream, "204 No Content"));
    assert_eq!(ask(&server, "PATCH", &failing, &json!({ "url": url, "active": true })).status, 200);
    let first = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(first.json()["type"], "run.received", "it goes on with what it missed");
    let off = ask(&server, "PATCH", &failing, &json!({ "active": false })).json();
    assert_eq!(off["standing"]["reason"], "asked");
}

#[test]
fn addresses_that_lead_inwards_are_refused_when_they_are_named_and_when_they_are_called() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    for url in [
        "http://example.org/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/",
        "https://example.org:8443/",
        "https://user:secret@example.org/",
        "ftp://example.org/",
        "no address",
    ] {
        let refused = ask(&server, "POST", "/api/v1/webhooks", &json!({ "url": url }));
        assert_eq!((refused.status, refused.code()), (422, "webhook-url-refused".to_owned()), "{url}");
    }
    // A name says nothing of where it leads until it is resolved.
    let path = create(&server, &json!({ "url": "https://localhost/hook" }));
    upload(&server);
    let found = until(&server, &path, |found| found["standing"]["standing"] == "failing");
    assert_eq!(found["deliveries"][0]["problem"], "webhook-url-refused");
    let other = "00000000-0000-0000-0000-000000000007";
    let of_nobody = json!({ "url": "https://example.org/", "projects": [other] });
    assert_eq!(ask(&server, "POST", "/api/v1/webhooks", &of_nobody).code(), "project-not-found");
    assert_eq!(ask(&server, "PATCH", &path, &json!({ "url": "https://10.0.0.1/" })).code(), "webhook-url-refused");
    for _ in 1..32 {
        create(&server, &json!({ "url": "https://localhost/hook" }));
    }
    let surplus = ask(&server, "POST", "/api/v1/webhooks", &json!({ "url": "https://localhost/" }));
    assert_eq!((surplus.status, surplus.code()), (429, "too-many-webhooks".to_owned()));
    assert_eq!(http::get(&server.address, "/api/v1/webhooks").json()["webhooks"].as_array().unwrap().len(), 32);
}
