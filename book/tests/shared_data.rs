//! Reading whole, real books, where the data folder is there.

use std::path::PathBuf;

use book::provenance::{self, Source};
use book::{Limits, read};
use domain::book::Book;

fn load(name: &str) -> Option<(Vec<u8>, Book)> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/books")).join(name);
    let Ok(bytes) = std::fs::read(&path) else {
        println!("skipped: {name} is not in the data folder");
        return None;
    };
    let book = read(name, &bytes, &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let source = Source::open(name, &bytes, &Limits::default()).unwrap();
    let checked = provenance::check(&book, &source).unwrap_or_else(|mismatch| panic!("{name}: {mismatch}"));
    assert_eq!(checked, book.chapters.iter().map(|chapter| chapter.sentences.len()).sum::<usize>());
    Some((bytes, book))
}

#[test]
fn candide_has_thirty_chapters_as_plain_text() {
    let Some((_, book)) = load("candide-fr.txt") else { return };
    assert_eq!(book.chapters.len(), 30);
}

#[test]
fn a_christmas_carol_has_five_staves_and_a_preface_as_plain_text() {
    let Some((_, book)) = load("christmas-carol.txt") else { return };
    assert_eq!(book.chapters.len(), 6);
}
