//! The fuzzers' finds and seeds, replayed: what once went wrong stays right.

#![allow(clippy::unwrap_used, reason = "a test may panic, helpers included")]

use std::fs;
use std::path::Path;

#[path = "../fuzz/checks.rs"]
mod checks;

/// Replays a target's corpus.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut replayed = 0;
    for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        check(&fs::read(&path).unwrap());
        replayed += 1;
    }
    assert!(replayed > 0, "{} is empty", folder.display());
}

#[test]
fn archives_in_the_corpus_hold_no_surprise() {
    replay("archive", checks::archive);
    replay("epub", checks::epub);
    replay("docx", checks::docx);
}

#[test]
fn pages_in_the_corpus_hold_no_surprise() {
    replay("pdf_layout", checks::pdf_layout);
}

#[test]
fn texts_in_the_corpus_hold_no_surprise() {
    replay("txt", checks::txt);
    replay("html", checks::html);
    replay("markdown", checks::markdown);
    replay("sentences", checks::sentences);
}
