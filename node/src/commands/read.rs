//! `visiobook read`: what reading finds in a book, and nothing more. Needs no model and starts no node.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use domain::book::{Book, Chapter, QuotationMark};
use domain::language::Language;

use super::{Failure, input};
use crate::config::Config;
use crate::wiring::limits;

/// Arguments of `read`.
#[derive(clap::Args)]
pub struct Args {
    /// The book
    book: PathBuf,
    /// Print the whole book as JSON, as in book.json, instead of a summary
    #[arg(long)]
    json: bool,
}

/// Titles are cut at this length, characters.
const TITLE_CHARS: usize = 44;

/// Runs the command.
///
/// # Errors
/// Exit code 2 for a file that is no book, 1 where nothing can be printed.
pub fn run(config: &Config, args: &Args) -> Result<(), Failure> {
    let limits = limits(config);
    let bytes = input::bytes(&args.book, &limits)?;
    let began = Instant::now();
    let book =
        book::read(&input::name(&args.book), &bytes, &limits).map_err(|error| input::refused(&args.book, &error))?;
    let took = began.elapsed();
    let out = if args.json {
        let json = serde_json::to_string_pretty(&book);
        json.map_err(|e| Failure::new(format!("the book can't be written as JSON: {e}")))? + "\n"
    } else {
        summary(&book, took)
    };
    match std::io::stdout().write_all(out.as_bytes()) {
        // Whoever reads the first lines only, `| head`, has what he wants.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.map_err(|e| Failure::new(format!("nothing can be printed: {e}"))),
    }
}

/// What a person wants to know of a book. Writing to a string cannot fail.
fn summary(book: &Book, took: Duration) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(out, "{name:<11}{value}");
        }
    };
    let size = book.source.bytes as f64 / 1e6;
    let speed = size / took.as_secs_f64().max(1e-6);
    let cover = book.cover.as_ref();
    line("title", book.title.clone());
    line("authors", book.authors.join(", "));
    line("language", language(book.language).to_owned());
    line("format", format!("{:?}, {size:.2} MB", book.source.format));
    line(
        "cover",
        cover.map(|c| format!("{} ({}, {} × {})", c.href, c.media_type, c.width_px, c.height_px)).unwrap_or_default(),
    );
    line("contents", counted(book.contents.len(), "line"));
    line("notes", counted(book.notes.len(), "note"));
    line("pages", counted(book.chapters.iter().map(|chapter| chapter.pages.len()).sum(), "page"));
    line("read in", format!("{} ms ({speed:.1} MB/s)", took.as_millis()));
    let _ = writeln!(out);
    chapters(book, &mut out);
    asides(book, &mut out);
    for warning in &book.warnings {
        let _ = writeln!(out, "\nwarning: {} ({})", warning.detail, warning.code);
    }
    out
}

fn language(language: Language) -> &'static str {
    match language {
        Language::En => "English",
        Language::Fr => "French",
    }
}

/// `3 notes`, or nothing.
fn counted(count: usize, what: &str) -> String {
    match count {
        0 => String::new(),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// A row a chapter, titles of parts above theirs.
fn chapters(book: &Book, out: &mut String) {
    let _ = writeln!(
        out,
        "{:>4}  {:<TITLE_CHARS$} {:>10} {:>9} {:>6} {:>8}",
        "", "chapter", "paragraphs", "sentences", "quotes", "words"
    );
    let mut above: &[String] = &[];
    for chapter in &book.chapters {
        if chapter.parts != above {
            let shared = above.iter().zip(&chapter.parts).take_while(|(a, b)| a == b).count();
            for (depth, part) in chapter.parts.iter().enumerate().skip(shared) {
                let _ = writeln!(out, "      {:width$}{part}", "", width = depth * 2);
            }
            above = &chapter.parts;
        }
        let title = short(chapter.title.as_deref().unwrap_or("—"));
        row(out, &(chapter.index + 1).to_string(), &title, std::slice::from_ref(chapter));
    }
    row(out, "", "all", &book.chapters);
    let marks = |mark| book.chapters.iter().flat_map(|c| &c.quotations).filter(|q| q.mark == mark).count();
    let kinds = [(QuotationMark::Inverted, "“ ”"), (QuotationMark::Guillemet, "« »"), (QuotationMark::Dash, "—")];
    let kinds: Vec<String> = kinds
        .into_iter()
        .map(|(mark, sign)| (marks(mark), sign))
        .filter(|(n, _)| *n > 0)
        .map(|(n, sign)| format!("{n} {sign}"))
        .collect();
    if !kinds.is_empty() {
        let _ = writeln!(out, "\nquotations: {}", kinds.join(", "));
    }
    let other = book.chapters.iter().flat_map(|c| &c.paragraphs).filter(|p| p.language.is_some()).count();
    if other > 0 {
        let _ = writeln!(out, "in the other language: {}", counted(other, "paragraph"));
    }
}

fn row(out: &mut String, number: &str, title: &str, chapters: &[Chapter]) {
    let sum = |count: fn(&Chapter) -> usize| chapters.iter().map(count).sum::<usize>();
    let (paragraphs, sentences) = (sum(|c| c.paragraphs.len()), sum(|c| c.sentences.len()));
    let (quotes, words) = (sum(|c| c.quotations.len()), sum(|c| c.text.split_whitespace().count()));
    let _ = writeln!(out, "{number:>4}  {title:<TITLE_CHARS$} {paragraphs:>10} {sentences:>9} {quotes:>6} {words:>8}");
}

fn short(title: &str) -> String {
    if title.chars().count() <= TITLE_CHARS {
        return title.to_owned();
    }
    title.chars().take(TITLE_CHARS - 1).chain(['…']).collect()
}

/// What was set aside, counted by its reason.
fn asides(book: &Book, out: &mut String) {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for aside in &book.set_aside {
        *reasons.entry(&aside.reason).or_default() += 1;
    }
    if !reasons.is_empty() {
        let _ = writeln!(out, "\nset aside:");
    }
    for (reason, count) in reasons {
        let titles = book.set_aside.iter().filter(|aside| aside.reason == reason);
        let titles: Vec<&str> = titles.filter_map(|aside| aside.title.as_deref()).take(3).collect();
        let _ = writeln!(out, "  {reason} ({count}) {}", short(&titles.join("; ")));
    }
}
