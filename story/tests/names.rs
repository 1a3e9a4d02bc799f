//! The rule for names, measured on books whose names were marked before it was written.

mod common;

use std::collections::HashMap;

use domain::book::Book;
use domain::language::Language;
use story::{Settings, compose};

/// Names that the measure looks at, commonest first.
const COMMONEST: usize = 40;

/// Of the commonest names that are found, how many are marked as names; what is not marked counts as wrong.
fn wrong_names(book: &Book, gold: &str) -> (usize, Vec<String>) {
    let gold: HashMap<&str, bool> = gold
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, verdict)| (name, verdict.trim() == "yes"))
        .collect();
    let board = compose(book, &common::vectors(book), &Settings::default()).expect("a good book");
    let names: Vec<_> = board.names.iter().take(COMMONEST).collect();
    for (rank, name) in names.iter().enumerate() {
        let verdict = gold.get(name.name.as_str());
        println!("{rank:>3} {:<30} {:>4} {verdict:?}", name.name, name.count);
    }
    let wrong = names.iter().filter(|n| gold.get(n.name.as_str()) != Some(&true)).map(|n| n.name.clone());
    (names.len(), wrong.collect())
}

fn assert_precise(book: &Book, gold: &str, least: usize) {
    let (found, wrong) = wrong_names(book, gold);
    assert!(found >= least, "only {found} names were found");
    assert!(wrong.len() * 10 <= found, "{} of {found} are no names: {wrong:?}", wrong.len());
}

#[test]
fn nine_of_ten_common_names_of_a_christmas_carol_are_names() {
    let Some(text) = common::data("books/christmas-carol.txt") else { return };
    let chapters = common::chapters_of(&text, "Stave ", "Colophon");
    let book = common::book("A Christmas Carol", Language::En, &chapters);
    assert_precise(&book, include_str!("names/christmas-carol.tsv"), 20);
}

#[test]
fn nine_of_ten_common_names_of_candide_are_names() {
    let Some(text) = common::data("books/candide-fr.txt") else { return };
    let chapters = common::chapters_of(&text, "CHAPITRE ", "FIN DE CANDIDE.");
    let book = common::book("Candide", Language::Fr, &chapters);
    assert_precise(&book, include_str!("names/candide.tsv"), COMMONEST);
}

#[test]
fn nine_of_ten_common_names_of_the_samples_are_names() {
    let english = common::sample("winter-loan.en.md", Language::En);
    assert_precise(&english, include_str!("../../samples/winter-loan.en.names.tsv"), 8);
    let french = common::sample("ombre-a-louer.fr.md", Language::Fr);
    assert_precise(&french, include_str!("../../samples/ombre-a-louer.fr.names.tsv"), 8);
}

#[test]
fn nine_of_ten_common_names_are_names_in_every_book_as_the_product_reads_it() {
    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let carol = include_str!("names/christmas-carol.tsv");
    let candide = include_str!("names/candide.tsv");
    let books = [
        ("../shared/data/books/christmas-carol.txt", carol, 20),
        ("../shared/data/books/christmas-carol.epub", carol, 20),
        ("../shared/data/books/candide-fr.txt", candide, COMMONEST),
        ("../shared/data/books/candide-fr.epub", candide, COMMONEST),
        ("samples/winter-loan.en.epub", include_str!("../../samples/winter-loan.en.names.tsv"), 8),
        ("samples/ombre-a-louer.fr.epub", include_str!("../../samples/ombre-a-louer.fr.names.tsv"), 8),
    ];
    for (path, gold, least) in books {
        let Ok(bytes) = std::fs::read(format!("{ROOT}/{path}")) else {
            println!("skipped: {path} is not here");
            continue;
        };
        let book = book::read(path, &bytes, &book::Limits::default()).expect("a good book");
        println!("{path}");
        assert_precise(&book, gold, least);
    }
}
