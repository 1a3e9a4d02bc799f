//! Whole, real books, where the data folder is there.

use std::path::PathBuf;
use std::time::Instant;

use domain::book::Book;
use domain::language::Language;

use crate::fixture::{asides, book_of, sentences, titles, warnings};

fn load(name: &str) -> Option<Book> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/books")).join(name);
    let Ok(bytes) = std::fs::read(&path) else {
        println!("skipped: {name} is not in the data folder");
        return None;
    };
    let started = Instant::now();
    let book = book_of(name, &bytes);
    println!("{name}: read and proved in {} ms", started.elapsed().as_millis());
    assert!(warnings(&book).is_empty(), "{:?}", book.warnings);
    Some(book)
}

#[test]
fn every_book_of_the_data_folder_is_proved() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/books"));
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: there is no data folder");
        return;
    };
    for entry in entries {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if [".epub", ".txt", ".docx", ".pdf"].iter().any(|ending| name.ends_with(ending)) {
            assert!(load(&name).is_some());
        }
    }
}

#[test]
fn a_christmas_carol_has_a_preface_and_five_staves_in_every_format() {
    let (Some(epub), Some(txt)) = (load("christmas-carol.epub"), load("christmas-carol.txt")) else { return };
    let Some(docx) = load("christmas-carol.docx") else { return };
    for book in [&epub, &txt, &docx] {
        assert_eq!(book.chapters.len(), 6);
        assert_eq!(book.language, Language::En);
        assert!(["imprint", "colophon", "copyright"].iter().all(|rule| asides(book).contains(rule)));
    }
    assert_eq!(titles(&txt), titles(&epub));
    assert_eq!(titles(&docx), titles(&epub));
    assert_eq!(epub.authors, ["Charles Dickens"]);
    assert_eq!(docx.authors, ["Charles Dickens"]);
    assert_agree(&epub, &txt);
    assert_agree(&epub, &docx);
}

#[test]
fn candide_has_thirty_chapters_in_every_format() {
    let (Some(epub), Some(txt)) = (load("candide-fr.epub"), load("candide-fr.txt")) else { return };
    let (Some(docx), Some(pdf)) = (load("candide-fr.docx"), load("candide-fr.pdf")) else { return };
    for book in [&epub, &txt, &docx, &pdf] {
        assert_eq!(book.chapters.len(), 30);
        assert_eq!((book.language, book.authors.as_slice()), (Language::Fr, ["Voltaire".to_owned()].as_slice()));
        // The last of them stands under a heading that has lost its mark.
        assert_eq!(book.notes.len(), 48);
        assert_eq!(book.notes.iter().filter(|note| note.anchor.is_some()).count(), 47);
    }
    assert_agree(&epub, &txt);
    assert_agree(&epub, &docx);
    assert_agree(&epub, &pdf);
    // As printed, in order; a page that holds nothing but notes has no mark.
    let pages = pdf.chapters.iter().flat_map(|chapter| &chapter.pages);
    let pages: Vec<u32> = pages.map(|page| page.label.parse().unwrap()).collect();
    assert!(pages.is_sorted_by(|a, b| a < b) && pages.len() >= 116 && pages.last() == Some(&119), "{pages:?}");
}

#[test]
fn war_and_peace_keeps_its_chapters_under_books_and_parts() {
    let Some(book) = load("war-and-peace.epub") else { return };
    // 333 in four books, and 31 in the epilogues, as this edition counts them.
    assert_eq!(book.chapters.len(), 364);
    assert!(book.chapters.iter().all(|chapter| chapter.parts.len() == 2));
    let mut parts: Vec<_> = book.chapters.iter().map(|chapter| &chapter.parts).collect();
    parts.dedup();
    assert_eq!(parts.len(), 17);
    assert_eq!(parts.iter().filter(|parts| parts[0] == "Epilogue").count(), 2);
    let counts: Vec<usize> =
        parts.iter().map(|parts| book.chapters.iter().filter(|chapter| chapter.parts == **parts).count()).collect();
    assert_eq!(counts, [28, 21, 19, 16, 21, 26, 13, 22, 23, 39, 34, 16, 19, 19, 20, 16, 12]);
    assert_eq!(book.notes.len(), 137);
    assert!(book.notes.iter().all(|note| note.anchor.is_some()));
}

/// At least 99 of 100 sentences of each stand in the other, white space aside.
fn assert_agree(a: &Book, b: &Book) {
    let bare =
        |book| -> Vec<String> { sentences(book).into_iter().map(|s| s.replace(char::is_whitespace, "")).collect() };
    for (a, b) in [(a, b), (b, a)] {
        let known: std::collections::HashSet<String> = bare(b).into_iter().collect();
        let all = bare(a);
        let shared = all.iter().filter(|sentence| known.contains(*sentence)).count();
        assert!(shared * 100 >= all.len() * 99, "{shared} of {}", all.len());
    }
}
