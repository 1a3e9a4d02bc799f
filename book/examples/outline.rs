//! Prints what the reader makes of a book: `cargo run -p book --example outline -- BOOK [text]`. With `text`, all of
//! it: each paragraph with its kind, `|` between sentences, `⟦ ⟧` around quotations, and what was set aside.

use std::time::Instant;

use book::Limits;
use book::provenance::{Source, check};
use domain::book::{Book, Chapter, ParagraphKind};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: outline BOOK [text]")?;
    let whole = std::env::args().nth(2).is_some();
    let bytes = std::fs::read(&path)?;
    let started = Instant::now();
    let book = book::read(&path, &bytes, &Limits::default())?;
    let read_ms = started.elapsed().as_millis();
    println!(
        "{} | {:?} | {:?} | {:?}, read in {read_ms} ms",
        book.title, book.authors, book.language, book.source.format
    );
    for chapter in &book.chapters {
        let breaks = chapter.paragraphs.iter().filter(|paragraph| paragraph.after_break).count();
        println!(
            "{:>4} {:?} {:?}: {} paragraphs, {} sentences, {} quotations, {breaks} breaks, {} bytes",
            chapter.index,
            chapter.parts,
            chapter.title,
            chapter.paragraphs.len(),
            chapter.sentences.len(),
            chapter.quotations.len(),
            chapter.text.len()
        );
        if whole {
            print(chapter);
        }
    }
    print_rest(&book, whole);
    println!("{} sentences checked against the file", check(&book, &Source::open(&path, &bytes, &Limits::default())?)?);
    Ok(())
}

/// Every paragraph of a chapter.
fn print(chapter: &Chapter) {
    for (index, paragraph) in (0u32..).zip(&chapter.paragraphs) {
        let (start, end) = (paragraph.start as usize, paragraph.end as usize);
        let mut marks: Vec<(usize, &str)> = Vec::new();
        for quotation in &chapter.quotations {
            marks.extend([(quotation.start as usize, "⟦"), (quotation.end as usize, "⟧")]);
        }
        let sentences = chapter.sentences.iter().filter(|sentence| sentence.paragraph == index);
        marks.extend(sentences.skip(1).map(|sentence| (sentence.start as usize, "| ")));
        marks.extend(chapter.pages.iter().map(|page| (page.at as usize, "¶")));
        marks.retain(|&(at, mark)| if mark == "⟧" { at > start && at <= end } else { at >= start && at < end });
        marks.sort_by_key(|&(at, mark)| (at, mark == "⟦"));
        let mut text = String::new();
        let mut from = start;
        for (at, mark) in marks {
            text.push_str(&chapter.text[from..at]);
            text.push_str(mark);
            from = at;
        }
        text.push_str(&chapter.text[from..end]);
        let kind = match paragraph.kind {
            ParagraphKind::Prose => String::new(),
            kind => format!("{kind:?}: "),
        };
        let language = paragraph.language.map(|language| format!("({language:?}) ")).unwrap_or_default();
        println!("\t{}{kind}{language}{text}", if paragraph.after_break { "~ " } else { "" });
    }
}

fn print_rest(book: &Book, whole: bool) {
    let anchored = book.notes.iter().filter(|note| note.anchor.is_some()).count();
    println!(
        "{} notes, {anchored} with their marks; {} lines of contents; {} printed pages",
        book.notes.len(),
        book.contents.len(),
        book.chapters.iter().map(|chapter| chapter.pages.len()).sum::<usize>()
    );
    if let Some(cover) = &book.cover {
        println!("cover: {} {} {} x {}", cover.href, cover.media_type, cover.width_px, cover.height_px);
    }
    for note in book.notes.iter().filter(|_| whole) {
        println!("note {} {:?}: {}", note.label, note.anchor, note.text);
    }
    for aside in &book.set_aside {
        println!("aside: {} {:?} ({})", aside.reason, aside.title, aside.href);
        if whole {
            println!("\t{}", aside.text.chars().take(300).collect::<String>().replace('\n', " / "));
        }
    }
    book.warnings.iter().for_each(|warning| println!("warning: {} {}", warning.code, warning.detail));
}
