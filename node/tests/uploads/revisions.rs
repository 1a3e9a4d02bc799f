//! An upload that becomes a project's next book.

use super::common::http::{Answer, events, finished, get, request};
use super::common::{ENGLISH, FRENCH, Server, files_below, sample};
use super::{announced, begin, make_project, send, upload_id};

fn revise(address: &str, project: &str, upload: &str) -> Answer {
    let path = format!("/api/v1/projects/{project}/revisions?upload={}", upload_id(upload));
    request(address, "POST", &path, &[], &[])
}

#[test]
fn a_book_that_came_in_parts_becomes_one_revision_however_often_it_is_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let (first, next) = (std::fs::read(sample(ENGLISH)).unwrap(), std::fs::read(sample(FRENCH)).unwrap());
    let server = Server::start(data.path());
    let address = &server.address;
    let upload = begin(address, ENGLISH, first.len(), "");
    send(address, &upload, 0, &first, &[]);
    let project = make_project(address, &upload).json()["id"].as_str().unwrap().to_owned();
    assert_eq!(finished(address, &project), "ready");

    let upload = begin(address, "next.epub", next.len(), &announced(&next));
    let early = revise(address, &project, &upload);
    assert_eq!((early.status, early.code().as_str()), (409, "upload-incomplete"));
    send(address, &upload, 0, &next, &[]);
    let nobody = revise(address, "00000000-0000-0000-0000-000000000009", &upload);
    assert_eq!((nobody.status, nobody.code().as_str()), (404, "project-not-found"));
    let made = revise(address, &project, &upload);
    assert_eq!((made.status, made.json()["revision"].as_u64()), (201, Some(2)), "{made:?}");
    assert_eq!(made.json()["book"]["name"], "next.epub");
    let again = revise(address, &project, &upload);
    assert_eq!((again.status, again.json()["revision"].as_u64()), (201, Some(2)), "{again:?}");
    assert_eq!(again.json()["run"]["id"], made.json()["run"]["id"], "no other run is begun");
    let tenant = data.path().join("blobs/objects/00000000-0000-0000-0000-000000000000");
    assert!(files_below(&tenant.join(upload_id(&upload))).is_empty(), "its bytes are the project's now");
    let run = again.json()["run"].clone();
    let of_run = |event: &serde_json::Value| event["run"] == run["id"] && event["state"]["state"] == "ready";
    events(address, &project, run["seq"].as_u64().unwrap(), of_run);

    let same = begin(address, "next.epub", next.len(), "");
    send(address, &same, 0, &next, &[]);
    let unchanged = revise(address, &project, &same);
    assert_eq!((unchanged.status, unchanged.code().as_str()), (409, "revision-unchanged"));
    assert_eq!(get(address, &same).status, 404, "what can never be taken goes");
    let bad = begin(address, "picture.png", 8, "");
    send(address, &bad, 0, b"\x89PNG\r\n\x1a\n", &[]);
    assert_eq!(revise(address, &project, &bad).code(), "book-not-a-book");
    assert_eq!(get(address, &bad).status, 404);
    assert_eq!(get(address, &format!("/api/v1/projects/{project}")).json()["revision"], 2);
}

#[test]
fn an_upload_outlives_a_refusal_that_passes_and_is_counted_once() {
    let data = tempfile::tempdir().unwrap();
    let mut command = super::common::visiobook();
    command.env("VISIOBOOK__WORKER__DOUBLE_DELAY_MS", "1500").env("VISIOBOOK__WORKER__CPU_PADDED_TOKENS", "512");
    command.env("VISIOBOOK__STORE__QUOTA_MIB", "1");
    let server = Server::start_with(data.path(), &mut command);
    let address = &server.address;
    let first = std::fs::read(sample(ENGLISH)).unwrap();
    let upload = begin(address, ENGLISH, first.len(), "");
    send(address, &upload, 0, &first, &[]);
    let made = make_project(address, &upload).json();
    let project = made["id"].as_str().unwrap();

    // More than half of the quota: counted as upload and as book, it would not fit.
    let next = format!("Chapter 1\n\n{}", "The lamp went out before the letter was read. ".repeat(13_000));
    assert!(next.len() > 512 << 10);
    let upload = begin(address, "next.txt", next.len(), "");
    send(address, &upload, 0, next.as_bytes(), &[]);
    let busy = revise(address, project, &upload);
    assert_eq!((busy.status, busy.code().as_str()), (409, "run-in-progress"));
    let run = made["run"]["id"].as_str().unwrap();
    request(address, "POST", &format!("/api/v1/projects/{project}/runs/{run}/cancel"), &[], &[]);
    let taken = revise(address, project, &upload);
    assert_eq!((taken.status, taken.json()["revision"].as_u64()), (201, Some(2)), "{taken:?}");
}
