//! Uploads that are broken off and gone on with, over real sockets to a real process.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod attacks;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod downloads;
mod limits;
mod revisions;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::http::{Answer, finished, get, request};
use common::{ENGLISH, Server, files_below, sample, until};
use domain::id::Digest;
use std::io::Write as _;

/// A chunk of the store's.
const CHUNK: usize = 8 << 20;

/// Begins an upload of so many bytes; its address.
fn begin(address: &str, name: &str, length: usize, more: &str) -> String {
    let answer = try_begin(address, name, length, more);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.header("location").unwrap().to_owned()
}

fn try_begin(address: &str, name: &str, length: usize, more: &str) -> Answer {
    let metadata = format!("filename {}{more}", STANDARD.encode(name));
    let headers = [("tus-resumable", "1.0.0"), ("upload-length", &length.to_string()), ("upload-metadata", &metadata)];
    request(address, "POST", "/api/v1/uploads", &headers, &[])
}

/// Announces the whole file's digest.
fn announced(bytes: &[u8]) -> String {
    format!(",sha256 {}", STANDARD.encode(Digest::of(bytes).to_string()))
}

/// Sends a part.
fn send(address: &str, upload: &str, offset: usize, bytes: &[u8], more: &[(&str, &str)]) -> Answer {
    let offset = offset.to_string();
    let mut headers = vec![
        ("tus-resumable", "1.0.0"),
        ("content-type", "application/offset+octet-stream"),
        ("upload-offset", &offset),
    ];
    headers.extend(more);
    request(address, "PATCH", upload, &headers, bytes)
}

/// Where an upload stands.
fn offset(address: &str, upload: &str) -> usize {
    let answer = request(address, "HEAD", upload, &[("tus-resumable", "1.0.0")], &[]);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{answer:?}");
    assert!(answer.body.is_empty());
    answer.header("upload-offset").unwrap().parse().unwrap()
}

/// Sends the head of a part and some of its bytes, and breaks the connection.
fn break_off(address: &str, upload: &str, offset: usize, whole: usize, bytes: &[u8]) {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "PATCH {upload} HTTP/1.1\r\nhost: {address}\r\ntus-resumable: 1.0.0\r\nupload-offset: {offset}\r\n\
         content-type: application/offset+octet-stream\r\ncontent-length: {whole}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(bytes).unwrap();
}

/// Waits until an upload stands where it should: the server learns of a broken connection in its own time.
fn stands_at(address: &str, upload: &str, wanted: usize) {
    until(&format!("{upload} stands at {wanted}"), || offset(address, upload) == wanted);
}

/// Bytes that don't repeat in step with any chunk.
fn patterned(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8 ^ (at >> 13) as u8).collect()
}

fn upload_id(upload: &str) -> &str {
    upload.rsplit('/').next().unwrap()
}

fn make_project(address: &str, upload: &str) -> Answer {
    request(address, "POST", &format!("/api/v1/projects?upload={}", upload_id(upload)), &[], &[])
}

#[test]
fn a_book_that_came_in_parts_becomes_one_project_however_often_it_is_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let book = std::fs::read(sample(ENGLISH)).unwrap();
    let upload = begin(&server.address, "winter.epub", book.len(), &announced(&book));
    let early = make_project(&server.address, &upload);
    assert_eq!((early.status, early.code().as_str()), (409, "upload-incomplete"));
    let half = book.len() / 2;
    let first = send(&server.address, &upload, 0, &book[..half], &[]);
    assert_eq!((first.status, first.header("upload-offset").unwrap()), (204, half.to_string().as_str()));
    assert!(first.header("upload-expires").unwrap().ends_with("GMT"));
    let second = send(&server.address, &upload, half, &book[half..], &[]);
    assert_eq!((second.status, second.header("tus-resumable")), (204, Some("1.0.0")), "{second:?}");
    let view = get(&server.address, &upload).json();
    assert_eq!(view["digest"], Digest::of(&book).to_string());

    let made = make_project(&server.address, &upload);
    assert_eq!(made.status, 201, "{made:?}");
    let project = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.json()["book"]["name"], "winter.epub");
    assert_eq!(make_project(&server.address, &upload).json()["id"], project.as_str());
    assert_eq!(finished(&server.address, &project), "ready");
    let tenant = data.path().join("blobs/objects/00000000-0000-0000-0000-000000000000");
    assert!(files_below(&tenant.join(upload_id(&upload))).is_empty(), "its bytes are the project's now");
    assert!(tenant.join(&project).join(Digest::of(&book).to_string()).is_file());
    let delete = |query: &str| {
        let path = format!("/api/v1/projects/{project}{query}");
        assert_eq!(request(&server.address, "DELETE", &path, &[], &[]).status, 204);
    };
    delete("");
    let deleted = make_project(&server.address, &upload);
    assert_eq!((deleted.status, deleted.code().as_str()), (404, "upload-not-found"), "while it can be restored");
    delete("?erase=now");
    let gone = make_project(&server.address, &upload);
    assert_eq!((gone.status, gone.code().as_str()), (404, "upload-not-found"), "nothing is raised from the dead");
}

#[test]
fn an_upload_that_is_cut_anywhere_goes_on_after_kill_9_and_ends_as_the_file() {
    let data = tempfile::tempdir().unwrap();
    let file = patterned(2 * CHUNK + 70_000);
    let mut server = Server::start(data.path());
    let upload = begin(&server.address, "a.bin", file.len(), "");
    // Within the first chunk, at its very end, just after, within the next one, at the last byte but one.
    let cuts = [1, 70_000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 5, 2 * CHUNK + 9, file.len() - 1];
    let mut at = 0;
    for (nth, cut) in cuts.into_iter().enumerate() {
        break_off(&server.address, &upload, at, file.len() - at, &file[at..cut]);
        stands_at(&server.address, &upload, cut);
        at = cut;
        if nth % 3 == 2 {
            server.running.kill();
            server = Server::start(data.path());
            assert_eq!(offset(&server.address, &upload), at, "what was said is there");
        }
    }
    assert_eq!(get(&server.address, &upload).json()["digest"], serde_json::Value::Null);
    assert_eq!(send(&server.address, &upload, at, &file[at..], &[]).status, 204);
    assert_eq!(get(&server.address, &upload).json()["digest"], Digest::of(&file).to_string());
    let blobs = files_below(&data.path().join("blobs/objects"));
    assert_eq!(blobs.len(), 1, "of the chunks nothing is left: {blobs:?}");
    assert_eq!(std::fs::read(&blobs[0]).unwrap(), file);
}

#[test]
fn of_two_writers_of_one_upload_one_is_told_to_look_again_and_no_byte_comes_twice() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let file = patterned(3 << 20);
    let upload = begin(&server.address, "a.bin", file.len(), &announced(&file));
    let half = file.len() / 2;
    let write = |from: usize, to: usize| send(&server.address, &upload, from, &file[from..to], &[]).status;
    for (from, to) in [(0, half), (half, file.len())] {
        let mut answers = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4).map(|_| scope.spawn(|| write(from, to))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
        });
        answers.sort_unstable();
        assert!(answers[1..].iter().all(|status| [409, 423].contains(status)), "{answers:?}");
        match answers[0] {
            204 => {}
            // All of them were told to look again: one had taken the others' chunk for refused.
            _ if offset(&server.address, &upload) == from => assert_eq!(write(from, to), 204),
            _ => {}
        }
        assert_eq!(offset(&server.address, &upload), to);
    }
    assert_eq!(get(&server.address, &upload).json()["digest"], Digest::of(&file).to_string());
}

#[test]
fn the_same_book_in_two_projects_lies_on_the_disk_once_until_the_last_is_deleted() {
    use std::os::unix::fs::MetadataExt as _;
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let book = std::fs::read(sample(ENGLISH)).unwrap();
    let upload = begin(&server.address, "winter.epub", book.len(), "");
    assert_eq!(send(&server.address, &upload, 0, &book, &[]).status, 204);
    let first = make_project(&server.address, &upload).json()["id"].as_str().unwrap().to_owned();
    let second = common::http::upload(&server.address, "again.epub", &book).json();
    let second = second["id"].as_str().unwrap().to_owned();
    let tenant = data.path().join("blobs/objects/00000000-0000-0000-0000-000000000000");
    let place = |project: &str| tenant.join(project).join(Digest::of(&book).to_string());
    let inode = |project: &str| std::fs::metadata(place(project)).unwrap().ino();
    assert_eq!(inode(&first), inode(&second));
    assert_eq!(finished(&server.address, &first), "ready");
    assert_eq!(request(&server.address, "DELETE", &format!("/api/v1/projects/{first}"), &[], &[]).status, 204);
    assert_eq!(std::fs::read(place(&second)).unwrap(), book);
    assert_eq!(finished(&server.address, &second), "ready");
}
