//! Any book file to chapters, paragraphs, sentences and passages.
//!
//! [`read`] takes the bytes of an EPUB, PDF, DOCX, HTML, Markdown or text file, in English or French, and gives a
//! [`domain::book::Book`]: canonical text with its structure, and for every sentence the byte range of
//! the source file that it stood in. [`provenance`] proves those ranges against the file, [`windows()`] cuts
//! chapters into passages once a tokenizer has counted.
//!
//! This crate opens no file, keeps no state and needs no tokenizer; its only clock is the deadline in [`Limits`], and
//! the only program that it runs is the one that reads PDFs. It never resolves a DOCTYPE or anything external, never trusts a size that a file declares,
//! and never guesses a book out of something else: whatever is wrong with a file is one [`BookError`].
//!
//! # Canonical text
//! - Within a paragraph every run of white space, no-break spaces included, is one space; `<br/>` counts
//!   as white space. Other characters stay as the book has them, word joiners and soft hyphens too.
//! - Note marks are dropped (`epub:type="noteref"`, linked numbers, `[1]` behind a word), and the notes
//!   themselves stand in [`domain::book::Book::notes`]; so are marks of printed pages (`[Pg 12]`), which
//!   [`domain::book::Chapter::pages`] keeps.
//! - Paragraphs are joined by one blank line. Headings, arguments under them and a closing `THE END` are
//!   headings; every other paragraph is covered by sentences, with only white space between them.
//!
//! | module | holds |
//! |---|---|
//! | [`limits`](Limits), [`error`](BookError) | what a file may cost, and every refusal |
//! | `sniff` | what the bytes are, whatever the name says |
//! | `decode`, `legacy`, `mapped` | bytes to text and folded text, with byte positions kept |
//! | `archive`, `xml` | zip archives and XML, checked and under limits |
//! | `epub` | package, table of contents, cover |
//! | `pages` | pages of XHTML and HTML to paragraphs and pieces |
//! | `html`, `markdown`, `txt`, `docx`, `pdf` | books in one file of each |
//! | `headings`, `numbers`, `aside`, `front`, `notes`, `lines`, `letters` | the rules: what is a heading, set aside, a note, verse, a letter |
//! | `piece`, `assemble` | pieces of any format to chapters under parts |
//! | `language`, `lexicon` | English or French, a book and a paragraph; lists of words |
//! | `sentences`, `quotations` | where sentences end; what is said aloud or quoted |
//! | [`windows()`], [`provenance`] | passages; proof of the source ranges |
//! | [`transcript`] | a text as it stands, nothing left out, for annotating |

mod archive;
mod aside;
mod assemble;
mod decode;
mod docx;
mod epub;
mod error;
mod front;
mod headings;
mod html;
mod language;
mod legacy;
mod letters;
mod lexicon;
mod limits;
mod lines;
mod mapped;
mod markdown;
mod notes;
mod numbers;
mod pages;
mod pdf;
mod piece;
pub mod provenance;
mod quotations;
mod sentences;
mod sniff;
pub mod transcript;
mod txt;
mod windows;
mod xml;

use domain::book::{Book, BookSource, Format};
use domain::id::Digest;

pub use error::BookError;
pub use limits::Limits;
pub use windows::windows;

use limits::Meter;

/// Reads a book file. `name` is the file's name, for titles, messages and a warning where its ending does
/// not fit; the format is found in the bytes.
///
/// The same bytes give the same book, always. Takes a second for the longest novels; call it where
/// blocking is allowed.
///
/// # Errors
/// One clear reason why the file is no book that can be read, see [`BookError`].
pub fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Book, BookError> {
    let meter = Meter::start(limits);
    let size = bytes.len() as u64;
    if size > limits.file_bytes {
        return Err(BookError::TooLarge { bytes: size, limit_bytes: limits.file_bytes });
    }
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let format = sniff::format(name, bytes, &meter)?;
    // Where the pages of a PDF start; ranges count through all of them until the book is made.
    let mut pages = None;
    let mut draft = match format {
        Format::Epub => epub::read(bytes, &meter)?,
        Format::Txt => txt::read(name, bytes, &meter)?,
        Format::Html => html::read(name, bytes, &meter)?,
        Format::Markdown => markdown::read(name, bytes, &meter)?,
        Format::Docx => docx::read(bytes, &meter)?,
        Format::Pdf => {
            let reading = pdf::read(bytes, &meter)?;
            pages = Some(reading.starts);
            reading.draft
        }
    };
    draft.warnings.extend(sniff::wrong_extension(name, format));
    let source = BookSource { format, name: name.to_owned(), digest: Digest::of(bytes), bytes: size };
    let mut book = assemble::book(draft, source, &meter)?;
    if let Some(pages) = pages {
        pdf::localise(&pages, &mut book);
    }
    Ok(book)
}

/// The picture on a book's front, as the file has it: a JPEG, PNG, GIF, WebP or BMP that is not decoded here. `None`
/// for a book without one, or of a format that has none.
///
/// # Errors
/// As [`read`], for what of the file is looked at.
pub fn cover(bytes: &[u8], limits: &Limits) -> Result<Option<Vec<u8>>, BookError> {
    let meter = Meter::start(limits);
    match sniff::format("", bytes, &meter)? {
        Format::Epub => epub::picture(bytes, &meter),
        _ => Ok(None),
    }
}

/// Reads a PDF from what `pdftotext -bbox-layout` and `pdftohtml` printed of it, without running them: for fuzzing
/// and tests.
///
/// # Errors
/// As [`read`].
#[doc(hidden)]
pub fn read_pdf_layout(output: &[u8], outline: &[u8], limits: &Limits) -> Result<Book, BookError> {
    let meter = Meter::start(limits);
    let reading = pdf::read_layout(output, outline, &meter)?;
    let source = BookSource {
        format: Format::Pdf,
        name: "layout.pdf".to_owned(),
        digest: Digest::of(output),
        bytes: output.len() as u64,
    };
    let mut book = assemble::book(reading.draft, source, &meter)?;
    pdf::localise(&reading.starts, &mut book);
    Ok(book)
}
