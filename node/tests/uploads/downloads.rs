//! Files on their way out: ranges, validators, signed addresses.

use super::common::http::{finished, get, request, upload};
use super::common::{ENGLISH, Server, sample, succeed, visiobook};

fn ready(address: &str) -> String {
    let made = upload(address, "winter.epub", &std::fs::read(sample(ENGLISH)).unwrap());
    let project = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(finished(address, &project), "ready");
    project
}

#[test]
fn a_file_is_sent_whole_in_part_or_not_at_all_where_it_is_known() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let path = format!("/api/v1/projects/{}/files/storyboard.json", ready(&server.address));
    let whole = get(&server.address, &path);
    let etag = whole.header("etag").unwrap().to_owned();
    assert_eq!(etag, format!("\"{}\"", domain::id::Digest::of(&whole.body)));
    assert_eq!(
        (whole.header("accept-ranges"), whole.header("cache-control")),
        (Some("bytes"), Some("private, no-cache"))
    );
    let head = request(&server.address, "HEAD", &path, &[], &[]);
    assert_eq!((head.status, head.header("etag"), head.body.len()), (200, Some(etag.as_str()), 0));
    assert_eq!(head.header("content-length"), Some(whole.body.len().to_string().as_str()));

    let total = whole.body.len();
    let part = |range: &str| request(&server.address, "GET", &path, &[("range", range)], &[]);
    let mut joined = Vec::new();
    for from in (0..total).step_by(1_000) {
        let to = (from + 999).min(total - 1);
        let answer = part(&format!("bytes={from}-{to}"));
        assert_eq!(answer.status, 206);
        assert_eq!(answer.header("content-range"), Some(format!("bytes {from}-{to}/{total}").as_str()));
        assert_eq!(answer.header("content-length"), Some((to + 1 - from).to_string().as_str()));
        joined.extend(answer.body);
    }
    assert_eq!(joined, whole.body);
    let last = part("bytes=-7");
    assert_eq!((last.status, last.body.as_slice()), (206, &whole.body[total - 7..]));
    let beyond = part(&format!("bytes={total}-"));
    assert_eq!((beyond.status, beyond.code().as_str()), (416, "range-not-satisfiable"));
    assert_eq!(beyond.header("content-range"), Some(format!("bytes */{total}").as_str()));
    let changed = [("range", "bytes=0-1"), ("if-range", "\"other\"")];
    assert_eq!(request(&server.address, "GET", &path, &changed, &[]).status, 200);
    assert_eq!(request(&server.address, "GET", &path, &[("if-none-match", &etag)], &[]).status, 304);
}

#[test]
fn a_signed_address_opens_one_file_until_its_key_is_dropped_or_its_project_deleted() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let project = ready(&server.address);
    let file = get(&server.address, &format!("/api/v1/projects/{project}/files/book.json"));
    let ask = |address: &str, query: &str| {
        request(address, "POST", &format!("/api/v1/projects/{project}/files/book.json/link{query}"), &[], &[])
    };
    let answer = ask(&server.address, "?valid_s=600");
    assert_eq!(answer.status, 201, "{answer:?}");
    let path = answer.json()["path"].as_str().unwrap().to_owned();
    let opened = get(&server.address, &path);
    assert_eq!((opened.status, &opened.body), (200, &file.body));
    let caching = opened.header("cache-control").unwrap();
    let left = caching.strip_prefix("private, max-age=").and_then(|rest| rest.strip_suffix(", immutable"));
    let left: u64 = left.and_then(|seconds| seconds.parse().ok()).expect(caching);
    assert!((1..=600).contains(&left), "{caching}");
    assert!(opened.header("content-disposition").unwrap().starts_with("attachment"));
    assert_eq!(request(&server.address, "GET", &path, &[("range", "bytes=0-9")], &[]).body, file.body[..10]);

    let mut forged = path.clone().into_bytes();
    let at = "/api/v1/files/".len() + 8;
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    let forged = get(&server.address, &String::from_utf8(forged).unwrap());
    assert_eq!((forged.status, forged.code().as_str()), (403, "link-invalid"));
    for wrong in ["?valid_s=0", "?valid_s=86401", "?valid_s=soon"] {
        assert_eq!(ask(&server.address, wrong).status, 400, "{wrong}");
    }
    let short = ask(&server.address, "?valid_s=1").json()["path"].as_str().unwrap().to_owned();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let expired = loop {
        let answer = get(&server.address, &short);
        if answer.status != 200 {
            break answer;
        }
        assert!(std::time::Instant::now() < until, "it is still good");
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    assert_eq!((expired.status, expired.code().as_str()), (410, "link-expired"));

    assert!(server.running.interrupt().success());
    let keys = |action: &[&str]| {
        let output = succeed(visiobook().arg("keys").args(action).arg("--data-dir").arg(data.path()));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let before = keys(&["list"]);
    let rotated = keys(&["rotate"]);
    assert_eq!((before.len(), &rotated[1..]), (1, before.as_slice()));
    let server = Server::start(data.path());
    assert_eq!(get(&server.address, &path).status, 200, "the older key still verifies");
    let newer = ask(&server.address, "").json()["path"].as_str().unwrap().to_owned();
    assert!(server.running.interrupt().success());
    assert_eq!(keys(&["drop"]), rotated[..1]);
    let server = Server::start(data.path());
    assert_eq!(get(&server.address, &path).status, 403);
    assert_eq!(get(&server.address, &newer).status, 200);
    assert_eq!(request(&server.address, "DELETE", &format!("/api/v1/projects/{project}"), &[], &[]).status, 204);
    assert_eq!(get(&server.address, &newer).status, 404);
}
