//! Answers that are compressed on their way, and those that must not be.

use std::io::Read as _;

use super::analysed;
use super::common::http::{Answer, events, get, request};
use super::common::{ENGLISH, Server};

fn ask(address: &str, path: &str, more: &[(&str, &str)]) -> Answer {
    request(address, "GET", path, more, &[])
}

fn plain(answer: &Answer) -> Vec<u8> {
    let mut out = Vec::new();
    match answer.header("content-encoding") {
        Some("zstd") => zstd::Decoder::new(answer.body.as_slice()).unwrap().read_to_end(&mut out).unwrap(),
        Some("gzip") => flate2::read::GzDecoder::new(answer.body.as_slice()).read_to_end(&mut out).unwrap(),
        Some("br") => brotli::Decompressor::new(answer.body.as_slice(), 4_096).read_to_end(&mut out).unwrap(),
        other => panic!("{other:?}"),
    };
    out
}

fn whole_tag(address: &str, path: &str) -> String {
    get(address, path).header("etag").unwrap().to_owned()
}

#[test]
fn texts_are_compressed_for_who_takes_it_and_are_the_same_texts() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let address = &server.address;
    let project = analysed(address, ENGLISH);
    let file = format!("/api/v1/projects/{project}/files/storyboard.json");
    let page = format!("/api/v1/projects/{project}/files/storyboard.html");
    for path in [file.as_str(), &page, "/api/v1/openapi.json", "/metrics"] {
        let whole = get(address, path);
        assert_eq!((whole.status, whole.header("content-encoding")), (200, None));
        assert!(whole.headers.iter().any(|(name, value)| name == "vary" && value == "accept-encoding"), "{path}");
        for accept in ["zstd", "br", "gzip"] {
            let packed = ask(address, path, &[("accept-encoding", accept)]);
            assert_eq!((packed.status, packed.header("content-encoding")), (200, Some(accept)), "{path}");
            println!("{path} {accept}: {} of {} bytes", packed.body.len(), whole.body.len());
            assert!(packed.body.len() * 2 < whole.body.len(), "{path} {accept}");
            if path != "/metrics" {
                assert_eq!(plain(&packed), whole.body, "{path} {accept}");
            }
        }
    }
    let packed = ask(address, &file, &[("accept-encoding", "gzip, deflate, br, zstd")]);
    assert_eq!(packed.header("content-encoding"), Some("zstd"));
    let tag = packed.header("etag").unwrap();
    assert!(tag.ends_with("-zstd\""), "{tag}");
    for (accept, wanted) in [("zstd", tag), ("br", whole_tag(address, &file).as_str())] {
        let known = ask(address, &file, &[("accept-encoding", accept), ("if-none-match", tag)]);
        assert_eq!((known.status, known.header("etag")), (304, Some(wanted)), "known in whatever encoding");
    }
}

#[test]
fn parts_events_small_answers_and_what_is_compressed_already_go_as_they_are() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let address = &server.address;
    let project = analysed(address, ENGLISH);
    let all = ("accept-encoding", "zstd, br, gzip");
    let file = format!("/api/v1/projects/{project}/files/storyboard.json");
    let part = ask(address, &file, &[all, ("range", "bytes=0-1999")]);
    assert_eq!((part.status, part.header("content-encoding"), part.body.len()), (206, None, 2_000));
    assert_eq!(part.header("etag").unwrap(), whole_tag(address, &file));
    let small = ask(address, "/api/v1/node", &[all]);
    assert_eq!((small.status, small.header("content-encoding")), (200, None));
    let archive = request(address, "POST", "/api/v1/backup", &[all], &[]);
    assert_eq!((archive.status, archive.header("content-encoding")), (200, None));
    let seen = events(address, &project, 0, |event| event["state"]["state"] == "ready");
    assert!(!seen.is_empty());
    let mine = ask(address, &format!("/api/v1/projects/{project}"), &[all]);
    let tag = mine.header("etag").unwrap();
    let path = format!("/api/v1/projects/{project}");
    let change = request(address, "PATCH", &path, &[("if-match", tag)], br#"{"name":"Winter"}"#);
    assert_eq!(change.status, 200, "a tag of compressed bytes is good for a change: {change:?}");
}
