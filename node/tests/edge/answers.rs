//! What every answer bears, and what stands in no answer and no log.

use std::io::Read;
use std::process::Stdio;

use super::client::{Certificate, get};
use super::common::http::{self, Answer, finished, request, upload};
use super::common::{ENGLISH, Server, sample, visiobook, wait_for_line};

/// A book whose words are an attack wherever they are taken for markup.
const ATTACK: &str = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>";

fn made(server: &Server, name: &str, bytes: &[u8]) -> String {
    let made = upload(&server.address, name, bytes);
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(finished(&server.address, &id), "ready");
    id
}

fn bears_what_all_bear(answer: &Answer, path: &str) {
    for (name, wanted) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), Some(wanted), "{path}");
    }
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    assert!(answer.header("permissions-policy").unwrap().contains("camera=()"), "{path}");
    assert!(answer.header("referrer-policy").is_some() && answer.header("x-request-id").is_some(), "{path}");
    assert_eq!(answer.header("strict-transport-security"), None, "{path}: over plain HTTP it means nothing");
}

#[test]
fn every_answer_is_secured_and_no_private_one_is_kept_by_others() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let id = made(&server, ENGLISH, &std::fs::read(sample(ENGLISH)).unwrap());
    let link = request(&server.address, "POST", &format!("/api/v1/projects/{id}/files/storyboard.html/link"), &[], &[]);
    let signed = link.json()["path"].as_str().unwrap().to_owned();
    let public = ["/", "/api/v1/reference"];
    let private = [
        "/health/live".to_owned(),
        "/health".to_owned(),
        "/metrics".to_owned(),
        "/api/v1/node".to_owned(),
        "/api/v1/projects".to_owned(),
        "/api/v1/nothing".to_owned(),
        "/nothing.txt".to_owned(),
        format!("/api/v1/projects/{id}"),
        format!("/api/v1/projects/{id}/storyboard"),
        format!("/api/v1/projects/{id}/files/storyboard.html"),
        format!("/api/v1/projects/{id}/revisions/1/file"),
        format!("/api/v1/projects/{id}/cover"),
        signed.clone(),
    ];
    for path in public.into_iter().chain(private.iter().map(String::as_str)) {
        let answer = http::get(&server.address, path);
        bears_what_all_bear(&answer, path);
        let caching = answer.header("cache-control").unwrap_or_else(|| panic!("{path} may be kept by anybody"));
        if !public.contains(&path) {
            assert!(caching.starts_with("private") || caching == "no-store", "{path}: {caching}");
        }
        if path.contains("/file") {
            let disposition = answer.header("content-disposition").unwrap();
            assert!(disposition.starts_with("attachment; "), "{path}: {disposition}");
        }
    }
    let opened = http::get(&server.address, &signed);
    assert_eq!(opened.header("referrer-policy"), Some("no-referrer"), "its address opens it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_are_told_to_stay_with_https() {
    let (certificate, data) = (Certificate::new(), tempfile::tempdir().unwrap());
    let server = Server::start_with(data.path(), &mut certificate.visiobook());
    let answer = get(&certificate.connector(&["http/1.1"]), &server.address, "/api/v1/nothing").await;
    let told = answer.headers()["strict-transport-security"].to_str().unwrap();
    assert_eq!((answer.status().as_u16(), told), (404, "max-age=31536000"));
}

#[test]
fn a_request_has_an_id_of_the_nodes_own() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let ask = || {
        request(&server.address, "GET", "/api/v1/nothing", &[("x-request-id", "mine"), ("traceparent", "mine")], &[])
    };
    let (one, other) = (ask(), ask());
    let id = one.header("x-request-id").unwrap();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_ne!(Some(id), other.header("x-request-id"));
    assert_eq!(one.json()["instance"], format!("urn:visiobook:request:{id}"));
}

#[test]
fn nothing_that_is_sent_becomes_a_header_or_markup() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let text =
        format!("{ATTACK}\n\nChapter One\n\n{}", format!("“{ATTACK}” said Anna. The ferry left at nine. ").repeat(30));
    let id = made(&server, "a%0d%0aset-cookie:%20x=1%0d%0a%22.txt", text.as_bytes());
    let name = serde_json::json!({ "name": format!("{ATTACK}x"), "description": "a\r\nset-cookie: x=1" });
    let patched = request(
        &server.address,
        "PATCH",
        &format!("/api/v1/projects/{id}"),
        &[("content-type", "application/merge-patch+json")],
        name.to_string().as_bytes(),
    );
    let paths = ["", "/revisions", "/revisions/1/file", "/files/storyboard.html", "/activity", "/storyboard"];
    let answers = paths.map(|path| http::get(&server.address, &format!("/api/v1/projects/{id}{path}")));
    for answer in answers.iter().chain([&patched]) {
        assert_eq!(answer.header("set-cookie"), None, "{answer:?}");
        let kind = answer.header("content-type").unwrap();
        let is_page = kind.starts_with("text/html");
        // Words of a stranger are JSON, or are saved and not shown.
        assert!(kind.ends_with("json") || answer.header("content-disposition").is_some(), "{kind}");
        if is_page {
            let page = answer.text().to_lowercase();
            assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        }
    }
    for path in
        ["/api/v1/projects/%0d%0aset-cookie:x", "/%0d%0aset-cookie:x", "/api/v1/projects?cursor=%0d%0aset-cookie:x"]
    {
        let answer = http::get(&server.address, path);
        assert_eq!(answer.header("set-cookie"), None, "{answer:?}");
        assert!(matches!(answer.status, 400 | 404) || path.starts_with("/%0d"), "{answer:?}");
    }
}

#[test]
fn the_access_log_tells_who_asked_for_what_and_nothing_that_opens_it() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    command.env("VISIOBOOK__EDGE__ACCESS_LOG", "true").env("RUST_LOG", "debug").env("NO_COLOR", "1");
    command.args(["serve", "--port", "0", "--data-dir"]).arg(data.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = super::common::Running(command.spawn().unwrap());
    let mut log = running.0.stderr.take().unwrap();
    // Read all along: a full pipe would hold the node up.
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        log.read_to_string(&mut text).map(|_| text)
    });
    let lines = wait_for_line(running.0.stdout.take().unwrap(), |line| line.contains("http://"));
    let url = lines[0].split_whitespace().find_map(|word| word.strip_prefix("http://")).unwrap().to_owned();
    let server = Server { running, address: url };
    let id = made(&server, ENGLISH, &std::fs::read(sample(ENGLISH)).unwrap());
    let link = request(&server.address, "POST", &format!("/api/v1/projects/{id}/files/book.json/link"), &[], &[]);
    let signed = link.json()["path"].as_str().unwrap().to_owned();
    let token = signed.rsplit('/').next().unwrap().to_owned();
    assert_eq!(http::get(&server.address, &signed).status, 200);
    let secrets = [("authorization", "Bearer s3cret-bearer"), ("cookie", "session=s3cret-cookie")];
    let asked = request(&server.address, "GET", "/api/v1/projects?search=s3cret-query", &secrets, &[]);
    let request_id = asked.header("x-request-id").unwrap().to_owned();
    assert!(server.running.interrupt().success());
    let log = reading.join().unwrap().unwrap();
    let line = log.lines().find(|line| line.contains(&request_id) && line.contains("served")).expect(&log);
    for told in ["127.0.0.1", "GET", "/api/v1/projects", "status=401", "whole=true"] {
        assert!(line.contains(told), "{told}: {line}");
    }
    assert!(log.contains("/api/v1/files/…"), "{log}");
    assert!(!log.contains("s3cret") && !log.contains(&token), "a secret is in the log");
}
