//! Whole books, read as the product reads them.

mod common;

use std::path::PathBuf;
use std::time::Instant;

use book::Limits;
use story::{Settings, check, compose, to_html};

const BOOKS: [&str; 6] = [
    "christmas-carol.txt",
    "christmas-carol.epub",
    "candide-fr.txt",
    "candide-fr.epub",
    "hound-of-the-baskervilles.epub",
    "war-and-peace.epub",
];

#[test]
fn every_book_of_the_data_folder_keeps_the_contract() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/books"));
    for name in BOOKS {
        let Ok(bytes) = std::fs::read(folder.join(name)) else {
            println!("skipped: books/{name} is not beside this repository");
            continue;
        };
        let book = book::read(name, &bytes, &Limits::default()).expect("a good book");
        let vectors = common::vectors(&book);
        let started = Instant::now();
        let board = compose(&book, &vectors, &Settings::default()).expect("a good book");
        let composed = started.elapsed();
        let html = to_html(&book, &board);
        let sentences: usize = book.chapters.iter().map(|c| c.sentences.len()).sum();
        let panels: usize = board.scenes.iter().map(|s| s.panels.len()).sum();
        println!(
            "{name}: {} chapters, {sentences} sentences, {} scenes, {panels} panels, {} names; {composed:?}; {} KiB of HTML",
            book.chapters.len(),
            board.scenes.len(),
            board.names.len(),
            html.len() / 1024,
        );
        let commonest: Vec<&str> = board.names.iter().take(40).map(|n| n.name.as_str()).collect();
        println!("  {}", commonest.join(", "));
        assert_eq!(check(&book, &board), Ok(()), "{name}");
    }
}
