//! The gateway, over real sockets to a real process.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use common::http::{events, finished, get, request, upload};
use common::{ENGLISH, FRENCH, Server, files_below, sample, visiobook};

fn slow() -> std::process::Command {
    let mut command = visiobook();
    command.env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "300").env("VISIOBOOK__WORKER__CPU_PADDED_TOKENS", "512");
    command.env("VISIOBOOK__WORKER__CPU_WORKERS", "1");
    command
}

fn put_in(address: &str, name: &str) -> (String, String) {
    let answer = upload(address, name, &std::fs::read(sample(name)).unwrap());
    assert_eq!(answer.status, 201, "{answer:?}");
    let made = answer.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (text(&made["id"]), text(&made["run"]["id"]))
}

#[test]
fn a_book_goes_in_is_followed_and_read_and_is_there_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let (project, _) = put_in(&server.address, FRENCH);
    assert_eq!(finished(&server.address, &project), "ready");
    let board = get(&server.address, &format!("/api/v1/projects/{project}/storyboard"));
    assert_eq!((board.status, board.header("content-type")), (200, Some("application/json")));
    assert_eq!(board.json()["language"], "fr");
    let etag = board.header("etag").unwrap();
    let path = format!("/api/v1/projects/{project}/storyboard");
    assert_eq!(request(&server.address, "GET", &path, &[("if-none-match", etag)], &[]).status, 304);
    let page = get(&server.address, &format!("/api/v1/projects/{project}/files/storyboard.html"));
    assert!(page.header("content-disposition").unwrap().starts_with("attachment"));
    assert!(server.running.interrupt().success());

    let server = Server::start(data.path());
    let list = get(&server.address, "/api/v1/projects").json();
    assert_eq!(list["projects"][0]["id"], project.as_str());
    assert_eq!(list["projects"][0]["run"]["state"]["state"], "ready");
    assert_eq!(get(&server.address, &path).body, board.body);
}

#[test]
fn events_have_no_gaps_and_go_on_from_the_last_one_known() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &mut slow());
    let (project, _) = put_in(&server.address, ENGLISH);
    let is_ready = |event: &serde_json::Value| event["state"]["state"] == "ready";
    let all = events(&server.address, &project, 0, is_ready);
    let numbers: Vec<u64> = all.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let done: Vec<u64> = all.iter().map(|event| event["progress"]["passages_done"].as_u64().unwrap()).collect();
    assert!(done.is_sorted() && done.iter().collect::<std::collections::HashSet<_>>().len() > 2, "{done:?}");
    let rest = events(&server.address, &project, 3, is_ready);
    assert_eq!(rest, all[3..]);
}

#[test]
fn a_killed_node_goes_on_with_its_runs() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &mut slow());
    let (project, _) = put_in(&server.address, ENGLISH);
    events(&server.address, &project, 0, |event| event["progress"]["passages_done"].as_u64() > Some(0));
    server.running.kill();
    let server = Server::start(data.path());
    assert_eq!(finished(&server.address, &project), "ready");
}

#[test]
fn a_run_is_cancelled_begun_again_and_its_project_deleted() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start_with(data.path(), &mut slow());
    let (project, run) = put_in(&server.address, ENGLISH);
    let again = request(&server.address, "POST", &format!("/api/v1/projects/{project}/runs"), &[], &[]);
    assert_eq!((again.status, again.code().as_str()), (409, "run-in-progress"));
    events(&server.address, &project, 0, |event| event["state"]["stage"] == "understanding");
    let path = format!("/api/v1/projects/{project}/runs/{run}/cancel");
    let answer = request(&server.address, "POST", &path, &[], &[]);
    assert_eq!(answer.json()["state"]["state"], "cancelled", "{answer:?}");
    let board = get(&server.address, &format!("/api/v1/projects/{project}/storyboard"));
    assert_eq!((board.status, board.code().as_str()), (404, "artefact-not-found"));
    let again = request(&server.address, "POST", &format!("/api/v1/projects/{project}/runs"), &[], &[]);
    assert_eq!(again.status, 201, "{again:?}");
    let gone = request(&server.address, "DELETE", &format!("/api/v1/projects/{project}?erase=now"), &[], &[]);
    assert_eq!(gone.status, 204, "{gone:?}");
    assert_eq!(get(&server.address, &format!("/api/v1/projects/{project}")).status, 404);
    let blobs = files_below(&data.path().join("blobs"));
    assert!(blobs.is_empty(), "left behind: {blobs:?}");
}

#[test]
fn what_is_no_book_is_refused_and_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let epub = std::fs::read(sample(ENGLISH)).unwrap();
    let german = "Der alte Mann ging langsam durch die Stadt und dachte an seine Kindheit. ".repeat(40);
    let cases: [(&str, &[u8]); 5] = [
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01"),
        ("empty.txt", b""),
        ("cut.epub", &epub[..epub.len() / 2]),
        ("german.txt", german.as_bytes()),
        ("bomb.epub", &bomb()),
    ];
    for (name, bytes) in cases {
        let answer = upload(&server.address, name, bytes);
        assert_eq!(answer.status, 422, "{name}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(answer.code().starts_with("book-"), "{name}: {}", answer.code());
        assert!(!answer.json()["detail"].as_str().unwrap().contains('\n'));
    }
    assert_eq!(get(&server.address, "/api/v1/projects").json()["projects"].as_array().unwrap().len(), 0);
    let blobs = files_below(&data.path().join("blobs"));
    assert!(blobs.is_empty(), "left behind: {blobs:?}");
}

/// An EPUB whose one page unpacks to a gigabyte.
fn bomb() -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("mimetype", stored).unwrap();
    zip.write_all(b"application/epub+zip").unwrap();
    zip.start_file("page.xhtml", zip::write::SimpleFileOptions::default()).unwrap();
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..1_024 {
        zip.write_all(&zeros).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_wrong_ending_on_a_good_book_is_only_a_warning() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let answer = upload(&server.address, "winter.txt", &std::fs::read(sample(ENGLISH)).unwrap());
    assert_eq!(answer.status, 201);
    let project = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(finished(&server.address, &project), "ready");
    let view = get(&server.address, &format!("/api/v1/projects/{project}")).json();
    assert_eq!(view["run"]["warnings"][0]["code"], "wrong-extension", "{view}");
}

#[test]
fn uploads_have_a_name_and_a_limit() {
    let data = tempfile::tempdir().unwrap();
    let mut command = visiobook();
    command.env("VISIOBOOK__GATEWAY__UPLOAD_LIMIT_MIB", "1");
    let server = Server::start_with(data.path(), &mut command);
    let nameless = request(&server.address, "POST", "/api/v1/projects", &[], b"x");
    assert_eq!((nameless.status, nameless.code().as_str()), (400, "upload-without-name"));
    let big = upload(&server.address, "big.txt", &vec![b'a'; (1 << 20) + 1]);
    assert_eq!((big.status, big.code().as_str()), (413, "too-large"));
    assert!(files_below(&data.path().join("blobs")).is_empty());
}

#[test]
fn other_sites_and_other_hosts_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let foreign =
        request(&server.address, "POST", "/api/v1/projects?name=a.txt", &[("origin", "http://evil.example")], b"x");
    assert_eq!((foreign.status, foreign.code().as_str()), (403, "foreign-origin"));
    let rebound = request(&server.address, "GET", "/api/v1/projects", &[("host", "evil.example")], &[]);
    assert_eq!((rebound.status, rebound.code().as_str()), (403, "foreign-host"));
    let proxied = request(&server.address, "GET", "/api/v1/projects", &[("x-forwarded-for", "192.0.2.1")], &[]);
    assert_eq!((proxied.status, proxied.code().as_str()), (403, "not-local"));
}

#[test]
fn answers_are_secured_and_say_what_is_wrong() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let node = get(&server.address, "/api/v1/node");
    assert_eq!(node.json()["local_trust"], true);
    assert!(node.header("content-security-policy").unwrap().contains("default-src 'self'"));
    assert_eq!(node.header("x-content-type-options"), Some("nosniff"));
    let wrong = request(&server.address, "PUT", "/api/v1/projects", &[], &[]);
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("GET, POST")));
    assert_eq!(get(&server.address, "/api/v1/nothing").status, 404);
    assert_eq!(get(&server.address, "/api/v1/projects/not-an-id").status, 404);
    let missing = get(&server.address, "/api/v1/projects/00000000-0000-7000-8000-000000000000");
    assert_eq!((missing.status, missing.code().as_str()), (404, "project-not-found"));
    let document = get(&server.address, "/api/v1/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(get(&server.address, "/health/live").status, 204);
}

#[test]
fn a_taken_port_and_a_taken_folder_are_told_with_exit_code_two() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let port = server.address.rsplit(':').next().unwrap();
    let other = tempfile::tempdir().unwrap();
    let output = visiobook().args(["serve", "--port", port, "--data-dir"]).arg(other.path()).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains(&format!("port {port} is taken")), "{message}");
    assert!(files_below(other.path()).is_empty(), "a node that can't be reached touched its data");

    let output = visiobook().args(["serve", "--port", "0", "--data-dir"]).arg(data.path()).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains(&server.running.0.id().to_string()), "the holder is named: {message}");
}

#[test]
fn demonstration_books_come_once() {
    let data = tempfile::tempdir().unwrap();
    let with_demo = || {
        let mut command = visiobook();
        command.arg("serve").arg("--demo").arg(sample(ENGLISH)).args(["--port", "0", "--data-dir"]).arg(data.path());
        command
    };
    let start = |mut command: std::process::Command| {
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = common::wait_for_line(child.stdout.take().unwrap(), |line| line.contains("http://"));
        let url = lines[0].split_whitespace().find_map(|word| word.strip_prefix("http://")).unwrap().to_owned();
        (common::Running(child), url)
    };
    let (running, address) = start(with_demo());
    let project = loop {
        let list = get(&address, "/api/v1/projects").json();
        if let Some(id) = list["projects"][0]["id"].as_str() {
            assert_eq!(list["projects"][0]["demo"], true);
            break id.to_owned();
        }
    };
    assert_eq!(finished(&address, &project), "ready");
    assert_eq!(request(&address, "DELETE", &format!("/api/v1/projects/{project}"), &[], &[]).status, 204);
    assert!(running.interrupt().success());
    let (_running, address) = start(with_demo());
    assert_eq!(get(&address, "/api/v1/projects").json()["projects"].as_array().unwrap().len(), 0);
}
