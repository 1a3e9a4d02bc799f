//! A book as a page of text, for snapshots.

use std::fmt::Write;

use domain::book::{Book, ParagraphKind};

/// All that the reader made of a book, but for digests and offsets.
pub fn of(book: &Book) -> String {
    let mut out = String::new();
    let mut line = |text: String| writeln!(out, "{text}").unwrap();
    line(format!("{} | {} | {:?} | {:?}", book.title, book.authors.join(", "), book.language, book.source.format));
    if let Some(cover) = &book.cover {
        line(format!("cover {} {} {}x{}", cover.href, cover.media_type, cover.width_px, cover.height_px));
    }
    for entry in &book.contents {
        line(format!("contents {}{} -> {:?}", "  ".repeat(entry.depth as usize), entry.title, entry.chapter));
    }
    for chapter in &book.chapters {
        line(format!("\n== {} {:?} in {:?}", chapter.index, chapter.title.as_deref().unwrap_or(""), chapter.parts));
        for paragraph in &chapter.paragraphs {
            let kind = match paragraph.kind {
                ParagraphKind::Prose => String::new(),
                kind => format!("{kind:?}: ").to_lowercase(),
            };
            let text = &chapter.text[paragraph.start as usize..paragraph.end as usize];
            line(format!("{}{kind}{text}", if paragraph.after_break { "~ " } else { "" }));
        }
        for page in &chapter.pages {
            let text: String = chapter.text[page.at as usize..].chars().take(20).collect();
            line(format!("page {} at {text:?}", page.label));
        }
    }
    for note in &book.notes {
        let place = note.anchor.map(|anchor| {
            let before = &book.chapters[anchor.chapter as usize].text[..anchor.at as usize];
            before.chars().rev().take(16).collect::<Vec<_>>().into_iter().rev().collect::<String>()
        });
        line(format!("\nnote {} behind {place:?}: {}", note.label, note.text.replace('\n', "|")));
    }
    for aside in &book.set_aside {
        line(format!("\naside {} {:?}: {}", aside.reason, aside.title, aside.text.replace('\n', "|")));
    }
    for warning in &book.warnings {
        line(format!("warning {}: {}", warning.code, warning.detail));
    }
    out
}
