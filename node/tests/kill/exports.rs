//! The node dies while an archive of somebody's data is asked for and written; when it is back there is one, or none
//! was promised.

use std::io::{Cursor, Read as _};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::common::http::{get, try_request};
use super::died;
use super::leaving::{PATIENCE, begun, files, node};

const EXPORT: &str = "/api/v1/account/export";
/// What is passed while an archive comes to be, and the how manieth time: the intent, the node's log, the account's
/// row as it is asked for and as it is there, and the blob in between.
const POINTS: [(&str, u64); 12] = [
    ("before the commit of putting an intent", 1),
    ("after the commit of putting an intent", 1),
    ("before the commit of writing the node's log", 1),
    ("after the commit of writing the node's log", 1),
    ("before the commit of updating an account", 1),
    ("after the commit of updating an account", 1),
    ("before the commit of updating an account", 2),
    ("after the commit of updating an account", 2),
    ("a blob's first bytes are written", 1),
    ("a blob is synced", 1),
    ("a blob is renamed", 1),
    ("a blob's folders are synced", 1),
];

fn play(point: &str, nth: u64) {
    let data = tempfile::tempdir().unwrap();
    let server = node(data.path(), None);
    let (cookie, csrf, project, book) = begun(&server.address, data.path());
    let headers = [("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
    let until = Instant::now() + PATIENCE;
    let ask = |address: &str, method, path: &str| try_request(address, method, path, &headers, &[]);
    let view = |address: &str| ask(address, "GET", &format!("/api/v1/projects/{project}")).unwrap().json();
    while view(&server.address)["run"]["state"]["state"] != "ready" {
        assert!(Instant::now() < until, "the run is not done");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(server.running.interrupt().success());
    let before = files(&data.path().join("blobs"));

    let mut server = node(data.path(), Some((point, nth)));
    let promised = ask(&server.address, "POST", EXPORT).is_some_and(|answer| answer.status == 202);
    assert!(died(&mut server, &AtomicBool::new(false)), "{point} ({nth}) was never passed");

    let server = node(data.path(), None);
    let found = ask(&server.address, "GET", EXPORT).unwrap();
    if found.status == 404 {
        assert!(!promised, "{point} ({nth}): an archive that was promised is not there");
        // Nobody who asks again is told that one is being written.
        assert_eq!(ask(&server.address, "POST", EXPORT).unwrap().status, 202, "{point} ({nth})");
    }
    let until = Instant::now() + PATIENCE;
    let export = loop {
        let export = ask(&server.address, "GET", EXPORT).unwrap().json();
        if export["state"] != "running" {
            break export;
        }
        assert!(Instant::now() < until, "{point} ({nth}): {export}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(export["state"], "ready", "{point} ({nth}): {export}");
    let link = ask(&server.address, "POST", &format!("{EXPORT}/link")).unwrap().json();
    let file = get(&server.address, link["path"].as_str().unwrap());
    assert_eq!(file.body.len() as u64, export["bytes"], "{point} ({nth})");
    let mut zip = zip::ZipArchive::new(Cursor::new(file.body)).unwrap();
    let mut there = String::new();
    zip.by_name(&format!("projects/{project}/books/1-lamp.txt")).unwrap().read_to_string(&mut there).unwrap();
    assert_eq!(there, book, "{point} ({nth})");
    let log = ask(&server.address, "GET", "/api/v1/account/activity").unwrap().json()["events"].clone();
    let count = |what: &str| log.as_array().unwrap().iter().filter(|event| event["what"] == what).count();
    assert_eq!((count("export-asked"), count("export-ready")), (1, 1), "{point} ({nth}): {log}");
    // What the dead node wrote of an archive is either this one or is swept later.
    let left = files(&data.path().join("blobs")).checked_sub(before);
    assert!(matches!(left, Some(1 | 2)), "{point} ({nth}): {left:?} files more");
    server.running.kill();
}

#[test]
fn an_archive_that_was_promised_is_there_whatever_happens_on_the_way() {
    let only = std::env::var("VISIOBOOK_KILL_ONLY").ok();
    for (point, nth) in POINTS {
        if only.as_ref().is_none_or(|only| point.contains(only)) {
            play(point, nth);
        }
    }
}
