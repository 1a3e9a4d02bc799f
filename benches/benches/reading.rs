//! How fast books are read, a format each, and how fast passages are cut from the longest.
//!
//! Real books where the data folder is there; else a book of our own, as plain text, HTML and Markdown. Reading is
//! all of it: unpacking, structure, sentences, quotations. Windowing is measured apart, with a counter of words and,
//! where `VISIOBOOK_MODEL` names a model folder, with its tokenizer.

use std::path::{Path, PathBuf};
use std::time::Duration;

use book::Limits;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use domain::book::Book;
use gpu::{ModelFolder, Tokenizer};

/// Passages hold so many tokens at most.
const MAX_TOKENS: u32 = 510;
/// The longest book of the data folder.
const LONGEST: &str = "war-and-peace.epub";

/// Every book of the data folder, by name.
fn books() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/books"));
    let mut found: Vec<(String, Vec<u8>)> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, std::fs::read(entry.path()).ok()?)))
        .filter(|(name, _)| Path::new(name).extension().is_some_and(|ending| ending != "md"))
        .collect();
    found.sort();
    if found.is_empty() {
        println!("The data folder is not there: a book of our own is read instead.");
    }
    found.extend(own());
    found
}

/// Three chapters in a thousand paragraphs each.
fn own() -> Vec<(String, Vec<u8>)> {
    let paragraph = "The lamp was out, and she had not heard him come in. “Who is there?” said the old man, and he put \
                     his hand to the door. Nobody answered him, for the wind had taken the voice away.";
    let chapters = |head: fn(u32) -> String, open: &str, close: &str| {
        (1..=3).map(|n| head(n) + &format!("{open}{paragraph}{close}").repeat(1000)).collect::<String>()
    };
    vec![
        ("own.txt".to_owned(), chapters(|n| format!("CHAPTER {n}\n\n"), "", "\n\n").into_bytes()),
        ("own.md".to_owned(), chapters(|n| format!("# Chapter {n}\n\n"), "", "\n\n").into_bytes()),
        (
            "own.html".to_owned(),
            format!(
                "<!DOCTYPE html><html><body>{}</body></html>",
                chapters(|n| format!("<h1>Chapter {n}</h1>"), "<p>", "</p>")
            )
            .into_bytes(),
        ),
    ]
}

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reading");
    group.sample_size(10).warm_up_time(Duration::from_millis(500));
    for (name, bytes) in books() {
        if let Err(refusal) = book::read(&name, &bytes, &Limits::default()) {
            println!("{name} is not read: {refusal}");
            continue;
        }
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(&name), &bytes, |bencher, bytes| {
            bencher.iter(|| book::read(&name, bytes, &Limits::default()));
        });
    }
    group.finish();
}

/// Cuts a whole book into passages by what `count` says of each chapter's sentences.
fn cut(book: &Book, count: &dyn Fn(&[&str]) -> Vec<u32>) -> usize {
    let chapters = book.chapters.iter().map(|chapter| {
        let sentences: Vec<&str> = (0..chapter.sentences.len()).map(|index| chapter.sentence(index)).collect();
        book::windows(chapter, &count(&sentences), MAX_TOKENS).len()
    });
    chapters.sum()
}

fn windowing(criterion: &mut Criterion) {
    let Some((name, bytes)) = books().into_iter().find(|(name, _)| name == LONGEST || name == "own.txt") else {
        return;
    };
    let Ok(book) = book::read(&name, &bytes, &Limits::default()) else { return };
    let mut group = criterion.benchmark_group("windowing");
    group.sample_size(10).warm_up_time(Duration::from_millis(500));
    let words = |sentences: &[&str]| -> Vec<u32> {
        sentences.iter().map(|sentence| sentence.split(' ').count() as u32).collect()
    };
    group.bench_function(BenchmarkId::new("words", &name), |bencher| bencher.iter(|| cut(&book, &words)));
    let folder = std::env::var_os("VISIOBOOK_MODEL").map(PathBuf::from);
    match folder.and_then(|folder| Tokenizer::open(&ModelFolder::open(&folder).ok()?).ok()) {
        Some(tokenizer) => {
            let tokens = |sentences: &[&str]| -> Vec<u32> {
                let ids = tokenizer.encode_batch(sentences).unwrap_or_default();
                ids.iter().map(|ids| ids.len() as u32).collect()
            };
            group.bench_function(BenchmarkId::new("tokens", &name), |bencher| bencher.iter(|| cut(&book, &tokens)));
        }
        None => println!("VISIOBOOK_MODEL names no model folder: windows are cut by words alone."),
    }
    group.finish();
}

criterion_group!(benches, reading, windowing);
criterion_main!(benches);
