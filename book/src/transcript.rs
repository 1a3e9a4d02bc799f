//! A text as it stands, for annotating: nothing set aside, and every stretch of it with its place.
//!
//! [`crate::read`] makes a book of a file: it takes licences, title pages and notes out of the story.
//! Scholars who annotate a text want every word of it counted, whatever it is. [`transcribe`] therefore takes a
//! plain text file as one chapter; a book of another format is read, and its story taken.

use std::ops::Range;

use domain::book::{BOOK_SCHEMA, Book, BookSource, Chapter, Format, ParagraphKind};
use domain::id::Digest;
use domain::language::Language;

use crate::assemble;
use crate::error::BookError;
use crate::language;
use crate::limits::{Limits, Meter};
use crate::mapped::Mapped;
use crate::piece::Piece;
use crate::{quotations, sniff, txt};

/// Stands between two chapters of a book's canonical text.
const CHAPTER_GAP: &str = "\n\n\n";

/// A text with its sentences and quotations, and where each of its parts stands.
pub struct Transcript {
    /// Of most of the text.
    pub language: Language,
    /// In order; a plain text file is one chapter.
    pub chapters: Vec<Chapter>,
    places: Places,
}

enum Places {
    /// The paragraphs of the only chapter, in a file.
    File(Vec<Mapped>),
    /// Where each chapter starts in the canonical text.
    Canonical(Vec<u64>),
}

/// Reads a plain text file as one chapter, nothing left out; of a book in any other format its story.
///
/// # Errors
/// As [`crate::read`].
pub fn transcribe(name: &str, bytes: &[u8], limits: &Limits) -> Result<Transcript, BookError> {
    let meter = Meter::start(limits);
    if bytes.len() as u64 > limits.file_bytes {
        return Err(BookError::TooLarge { bytes: bytes.len() as u64, limit_bytes: limits.file_bytes });
    }
    if sniff::format(name, bytes, &meter)? != Format::Txt {
        return crate::read(name, bytes, limits).map(Transcript::of_book);
    }
    let (language, chapters, paragraphs) = one_chapter(name, bytes, None, &meter)?;
    Ok(Transcript { language, chapters, places: Places::File(paragraphs) })
}

/// A text as a book of one chapter, nothing left out; `language` is what it is written in, where that is known.
/// Sources count in the text itself, as UTF-8.
///
/// # Errors
/// As [`transcribe`]; [`BookError::Empty`] where it has no sentence.
pub fn book_of_text(name: &str, text: &str, language: Option<Language>, limits: &Limits) -> Result<Book, BookError> {
    let (meter, bytes) = (Meter::start(limits), text.len() as u64);
    if bytes > limits.file_bytes {
        return Err(BookError::TooLarge { bytes, limit_bytes: limits.file_bytes });
    }
    let (language, chapters, _) = one_chapter(name, text.as_bytes(), language, &meter)?;
    if chapters.iter().all(|chapter| chapter.sentences.is_empty()) {
        return Err(BookError::Empty);
    }
    Ok(Book {
        schema: BOOK_SCHEMA,
        title: name.to_owned(),
        authors: Vec::new(),
        language,
        cover: None,
        source: BookSource { format: Format::Txt, name: name.to_owned(), digest: Digest::of(text.as_bytes()), bytes },
        contents: Vec::new(),
        chapters,
        notes: Vec::new(),
        set_aside: Vec::new(),
        warnings: Vec::new(),
    })
}

/// A plain text as one chapter, and the places of its paragraphs.
fn one_chapter(
    name: &str,
    bytes: &[u8],
    language: Option<Language>,
    meter: &Meter<'_>,
) -> Result<(Language, Vec<Chapter>, Vec<Mapped>), BookError> {
    let mut piece = Piece::new(name);
    piece.paragraphs = txt::paragraphs(name, bytes, meter)?;
    let texts: Vec<&str> =
        piece.paragraphs.iter().map(|p| p.text.text()).filter(|text| text.contains(char::is_alphabetic)).collect();
    if texts.is_empty() {
        return Err(BookError::Empty);
    }
    let language = match language {
        Some(language) => language,
        None => language::detect(&texts, None)?,
    };
    let mut chapters = vec![assemble::chapter(&piece, 0, Vec::new(), language, meter)?];
    quotations::mark(&mut chapters, language, meter)?;
    Ok((language, chapters, piece.paragraphs.into_iter().map(|paragraph| paragraph.text).collect()))
}

impl Transcript {
    /// The story of a book; places are those in [`Transcript::text`].
    fn of_book(book: Book) -> Self {
        let mut starts = Vec::with_capacity(book.chapters.len());
        let mut at = 0;
        for chapter in &book.chapters {
            starts.push(at as u64);
            at += chapter.text.len() + CHAPTER_GAP.len();
        }
        Self { language: book.language, chapters: book.chapters, places: Places::Canonical(starts) }
    }

    /// The text that places count in, where that is not the file itself: all chapters, three line ends between two.
    pub fn text(&self) -> Option<String> {
        match self.places {
            Places::File(_) => None,
            Places::Canonical(_) => {
                let texts: Vec<&str> = self.chapters.iter().map(|chapter| chapter.text.as_str()).collect();
                Some(texts.join(CHAPTER_GAP))
            }
        }
    }

    /// Where a stretch of a paragraph stands, in bytes; `range` counts in the chapter's text.
    ///
    /// # Panics
    /// If there is no such chapter, paragraph or range.
    pub fn place(&self, chapter: usize, paragraph: usize, range: Range<usize>) -> Range<u64> {
        match &self.places {
            Places::File(paragraphs) => {
                let start = self.chapters[chapter].paragraphs[paragraph].start as usize;
                paragraphs[paragraph].source(range.start - start..range.end - start)
            }
            Places::Canonical(starts) => starts[chapter] + range.start as u64..starts[chapter] + range.end as u64,
        }
    }

    /// The sentences of a paragraph, in bytes of the chapter's text; a heading is one.
    pub fn sentences(&self, chapter: usize, paragraph: usize) -> Vec<(usize, usize)> {
        let chapter = &self.chapters[chapter];
        let bounds = &chapter.paragraphs[paragraph];
        if bounds.kind == ParagraphKind::Heading {
            return vec![(bounds.start as usize, bounds.end as usize)];
        }
        let first = chapter.sentences.partition_point(|s| (s.paragraph as usize) < paragraph);
        let own = chapter.sentences[first..].iter().take_while(|s| s.paragraph as usize == paragraph);
        own.map(|s| (s.start as usize, s.end as usize)).collect()
    }
}
