//! Whole small books as the editions in circulation are made, one snapshot each.

use std::path::Path;

use crate::fixture::book_of;
use crate::snapshot;

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    snapshot::of(&book_of(name, &std::fs::read(path).unwrap()))
}

#[test]
fn a_web_page_of_project_gutenberg() {
    insta::assert_snapshot!(read("gutenberg.html"));
}

#[test]
fn an_old_web_page_that_closes_nothing() {
    insta::assert_snapshot!(read("soup.html"));
}

#[test]
fn markdown_with_a_head_and_notes() {
    insta::assert_snapshot!(read("lamp.md"));
}

#[test]
fn a_text_of_project_gutenberg() {
    insta::assert_snapshot!(read("gutenberg.txt"));
}

#[test]
fn a_french_text_of_ebooks_libres() {
    insta::assert_snapshot!(read("lampe.txt"));
}
