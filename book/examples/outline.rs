//! Prints what the reader makes of a book: `cargo run -p book --example outline -- BOOK [sentences]`.

use std::time::Instant;

use book::Limits;
use book::provenance::{Source, check};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: outline BOOK [sentences]")?;
    let list_sentences = std::env::args().nth(2).is_some();
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
            "{:>4} {:?} {:?}: {} paragraphs, {} sentences, {breaks} breaks, {} bytes",
            chapter.index,
            chapter.parts,
            chapter.title,
            chapter.paragraphs.len(),
            chapter.sentences.len(),
            chapter.text.len()
        );
        if list_sentences {
            (0..chapter.sentences.len()).for_each(|index| println!("\t{}", chapter.sentence(index)));
        }
    }
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
    book.set_aside.iter().for_each(|aside| println!("aside: {} {:?} ({})", aside.reason, aside.title, aside.href));
    book.warnings.iter().for_each(|warning| println!("warning: {} {}", warning.code, warning.detail));
    println!("{} sentences checked against the file", check(&book, &Source::open(&path, &bytes, &Limits::default())?)?);
    Ok(())
}
