//! Books and vectors made by hand, for tests that need no reader and no model.
#![allow(dead_code, reason = "each test file uses its own part of this module")]

use std::path::PathBuf;

use domain::book::{BOOK_SCHEMA, Book, BookSource, Chapter, Format, Paragraph, ParagraphKind, Sentence, SourceRange};
use domain::id::Digest;
use domain::language::Language;
use story::SentenceVectors;

/// A chapter given as paragraphs; one that is `***` alone is a scene break, one that starts with `# ` a
/// heading, one with `> ` verse.
pub type Paragraphs = Vec<String>;

/// A book of these chapters, its sentences split by a plain rule.
pub fn book(title: &str, language: Language, chapters: &[Paragraphs]) -> Book {
    let mut offset = 0;
    let chapters: Vec<Chapter> =
        (0..).zip(chapters).map(|(i, paragraphs)| chapter(i, paragraphs, &mut offset)).collect();
    Book {
        schema: BOOK_SCHEMA,
        title: title.into(),
        authors: vec!["A. Writer".into()],
        language,
        cover: None,
        contents: Vec::new(),
        notes: Vec::new(),
        source: BookSource {
            format: Format::Txt,
            name: "book.txt".into(),
            digest: Digest::of(title.as_bytes()),
            bytes: offset,
        },
        chapters,
        set_aside: Vec::new(),
        warnings: Vec::new(),
    }
}

fn chapter(index: u32, blocks: &[String], offset: &mut u64) -> Chapter {
    let mut chapter = Chapter { index, ..Chapter::default() };
    let mut after_break = false;
    for block in blocks {
        if block.trim() == "***" {
            after_break = true;
            continue;
        }
        let (kind, text) = match block {
            b if b.starts_with("# ") => (ParagraphKind::Heading, &b[2..]),
            b if b.starts_with("> ") => (ParagraphKind::Verse, &b[2..]),
            b => (ParagraphKind::Prose, b.as_str()),
        };
        if !chapter.text.is_empty() {
            chapter.text.push_str("\n\n");
        }
        let start = chapter.text.len() as u32;
        chapter.text.push_str(&text.split_whitespace().collect::<Vec<_>>().join(" "));
        let end = chapter.text.len() as u32;
        if kind == ParagraphKind::Heading {
            chapter.title.get_or_insert_with(|| text.into());
        } else {
            split(&chapter.text[start as usize..]).for_each(|(from, to)| {
                chapter.sentences.push(Sentence {
                    start: start + from as u32,
                    end: start + to as u32,
                    paragraph: chapter.paragraphs.len() as u32,
                    source: SourceRange {
                        href: "book.txt".into(),
                        start: *offset + u64::from(start) + from as u64,
                        end: *offset + u64::from(start) + to as u64,
                    },
                });
            });
        }
        chapter.paragraphs.push(Paragraph {
            start,
            end,
            kind,
            after_break: std::mem::take(&mut after_break),
            language: None,
        });
    }
    *offset += chapter.text.len() as u64 + 2;
    chapter
}

/// Ends sentences at `.`, `!`, `?` and `…`, with the closing marks behind them, before a capital.
fn split(text: &str) -> impl Iterator<Item = (usize, usize)> {
    const SHORT: [&str; 8] = ["Mr.", "Mrs.", "Dr.", "St.", "M.", "MM.", "J.", "P."];
    let mut bounds = vec![0];
    for (at, _) in text.match_indices(' ') {
        let ended = text[..at].trim_end_matches(['”', '’', '"', ')', '»']);
        let short = SHORT.iter().any(|s| ended.ends_with(&format!(" {s}")) || ended == *s);
        let next = text[at + 1..].trim_start_matches(['“', '‘', '"', '«', '—', '–', '-', ' ', '(']);
        if ended.ends_with(['.', '!', '?', '…']) && !short && next.starts_with(char::is_uppercase) {
            bounds.push(at + 1);
        }
    }
    bounds.push(text.len() + 1);
    let ranges: Vec<_> = bounds.windows(2).map(|w| (w[0], w[1] - 1)).filter(|(from, to)| from < to).collect();
    ranges.into_iter()
}

/// Vectors in the manner of a bag of words: each word adds a few values chosen by its hash.
pub fn vectors(book: &Book) -> SentenceVectors {
    const DIM: usize = 96;
    let chapters = book.chapters.iter().map(|chapter| {
        let mut values = vec![0.0; chapter.sentences.len() * DIM];
        for (s, vector) in values.chunks_exact_mut(DIM).enumerate() {
            for word in chapter.sentence(s).split(|c: char| !c.is_alphanumeric()).filter(|w| w.len() > 3) {
                // FNV-1a: the same on every machine and compiler.
                let fnv = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                let hash = word.to_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325, fnv) as usize;
                (0..4).for_each(|i| vector[(hash >> (i * 12)) % DIM] += 1.0);
            }
            // A common direction, as real encoders have one.
            vector.iter_mut().for_each(|v| *v += 0.5);
        }
        values
    });
    SentenceVectors::new(book, DIM, chapters.collect()).expect("one vector a sentence")
}

/// A file of the data folder beside the repository; says so and gives nothing where that is absent.
pub fn data(path: &str) -> Option<String> {
    let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data")).join(path);
    match std::fs::read_to_string(&file) {
        Ok(text) => Some(text),
        Err(_) => {
            println!("skipped: {path} is not beside this repository");
            None
        }
    }
}

/// A plain text as chapters: a paragraph that starts with `chapter` opens one; what stands before the first
/// and from `end` on is left out.
pub fn chapters_of(text: &str, chapter: &str, end: &str) -> Vec<Paragraphs> {
    let mut chapters: Vec<Paragraphs> = Vec::new();
    for block in text.replace("\r\n", "\n").split("\n\n").map(str::trim).filter(|b| !b.is_empty()) {
        if block == end {
            break;
        } else if block.starts_with(chapter) {
            chapters.push(vec![format!("# {block}")]);
        } else if let Some(open) = chapters.last_mut() {
            open.push(block.into());
        }
    }
    chapters
}

/// One of the sample stories in `samples/`: its book.
pub fn sample(file: &str, language: Language) -> Book {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../samples")).join(file);
    let text = std::fs::read_to_string(path).expect("the samples are part of the repository");
    let blocks: Vec<&str> = text.split("\n\n").skip(1).collect();
    let mut chapters: Vec<Paragraphs> = Vec::new();
    for block in blocks {
        // Lines of a letter are marked one by one.
        let block = block.replace('*', if block.trim() == "***" { "*" } else { "" }).replace("\n> ", " ");
        if block.starts_with("# ") {
            chapters.push(Vec::new());
        }
        chapters.last_mut().expect("a sample starts with a chapter").push(block);
    }
    book(file, language, &chapters)
}
