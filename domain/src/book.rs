//! A book that was read: its canonical text, and where each sentence stood in the file.
//!
//! Offsets named `start` and `end` are bytes: of a chapter's [`Chapter::text`] unless they stand in a
//! [`SourceRange`], which counts in the undecoded bytes of a source file.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::id::Digest;
use crate::language::Language;

/// Version of the `book.json` format.
pub const BOOK_SCHEMA: u32 = 2;

/// A whole book, as written to `book.json`.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Book {
    /// Always [`BOOK_SCHEMA`].
    pub schema: u32,
    /// From the metadata, else the file's name.
    pub title: String,
    /// As the metadata names them; may be empty.
    pub authors: Vec<String>,
    /// Found in the text itself; metadata only breaks ties.
    pub language: Language,
    /// The picture on the front, if the file has one that can be shown.
    pub cover: Option<Cover>,
    /// The file that it was read from.
    pub source: BookSource,
    /// The table of contents as the file gives it, in its order; where it gives none, the headings of parts and
    /// chapters.
    pub contents: Vec<ContentsLine>,
    /// In reading order. Never empty.
    pub chapters: Vec<Chapter>,
    /// Footnotes and endnotes, apart from the story, in the order of their marks; those whose mark was not found
    /// come last.
    pub notes: Vec<Note>,
    /// Front matter, imprints, licences: left out of the story by rule, not lost.
    pub set_aside: Vec<SetAside>,
    /// What was odd yet no reason to refuse the book.
    pub warnings: Vec<Warning>,
}

/// The file that a book was read from.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BookSource {
    /// What the bytes turned out to be, whatever the name's ending says.
    pub format: Format,
    /// The file's name, without folders.
    pub name: String,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Size of the file.
    pub bytes: u64,
}

/// A file format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// EPUB 2 and 3.
    Epub,
    /// Plain text.
    Txt,
    /// One file of HTML.
    Html,
    /// Markdown: CommonMark with footnotes.
    Markdown,
    /// Text in places on pages.
    Pdf,
    /// Office Open XML, as Word and others write it.
    Docx,
}

impl Format {
    /// The media type of its files, as registered with IANA.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Epub => "application/epub+zip",
            Self::Txt => "text/plain",
            Self::Html => "text/html",
            Self::Markdown => "text/markdown",
            Self::Pdf => "application/pdf",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        }
    }
}

/// The picture on a book's front. Its bytes stay in the book's file.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cover {
    /// Path inside the file's archive.
    pub href: String,
    /// Found in its bytes, such as `image/jpeg`.
    pub media_type: String,
    /// As its header says.
    pub width_px: u32,
    /// As its header says.
    pub height_px: u32,
}

/// A line of a table of contents.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ContentsLine {
    /// As the file words it.
    pub title: String,
    /// Lines above it that hold it, from 0.
    pub depth: u32,
    /// The chapter it leads to, or the first one of the part it leads to; nothing where that was set aside.
    pub chapter: Option<u32>,
}

/// One chapter: canonical text with its structure laid over it.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Chapter {
    /// Position in the book, from 0.
    pub index: u32,
    /// The heading, if there is one.
    pub title: Option<String>,
    /// Titles of the parts that hold it, outermost first.
    pub parts: Vec<String>,
    /// Canonical text: paragraphs with white space folded, joined by one blank line ("\n\n").
    pub text: String,
    /// In order, disjoint; the gaps between them are the "\n\n".
    pub paragraphs: Vec<Paragraph>,
    /// In order, disjoint; each lies within one paragraph. Headings' sentences are not among them.
    pub sentences: Vec<Sentence>,
    /// What is said aloud or quoted, in order, disjoint; see [`Quotation`].
    pub quotations: Vec<Quotation>,
    /// Where pages of the source begin, in order; empty where the source has none.
    pub pages: Vec<PageMark>,
}

/// One paragraph of a chapter.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Paragraph {
    /// First byte in the chapter's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// What kind of paragraph it is.
    pub kind: ParagraphKind,
    /// A scene break (rule, asterisks, wide blank) stands before it.
    pub after_break: bool,
    /// What it is written in, where that is not the book's language and it is long enough to tell.
    pub language: Option<Language>,
}

/// What a paragraph is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ParagraphKind {
    /// A title; kept in the text, not told as story.
    Heading,
    /// Ordinary text, dialogue included.
    Prose,
    /// Lines of verse.
    Verse,
    /// A motto before a chapter's text, or its source.
    Epigraph,
    /// Of a letter, a telegram, a notice that the story shows.
    Letter,
    /// An item of a list.
    Item,
}

impl ParagraphKind {
    /// It is told as story: everything but headings and epigraphs.
    pub fn is_story(self) -> bool {
        !matches!(self, Self::Heading | Self::Epigraph)
    }
}

/// A stretch between quotation marks, or after the dash that opens a turn of a dialogue: marks included, an
/// inserted "said he" included where the same speaker goes on after it within the same marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Quotation {
    /// First byte in the chapter's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// What opened it.
    pub mark: QuotationMark,
}

/// What opens a quotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum QuotationMark {
    /// `“`, `"`, `‘`, `'`.
    Inverted,
    /// `«`.
    Guillemet,
    /// A dash at the start of a turn.
    Dash,
}

/// Where a page of the source begins.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PageMark {
    /// First byte in the chapter's text that stands on it.
    pub at: u32,
    /// As printed, `12` or `xiv`.
    pub label: String,
}

/// A note, apart from the text that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Note {
    /// Where its mark stood; nothing if none was found.
    pub anchor: Option<Anchor>,
    /// As printed, `3` or `*`.
    pub label: String,
    /// Its paragraphs, with white space folded, joined by one blank line.
    pub text: String,
    /// Where it stood.
    pub source: SourceRange,
}

/// A place in a book's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Anchor {
    /// Index into [`Book::chapters`].
    pub chapter: u32,
    /// Byte in the chapter's text.
    pub at: u32,
}

/// One sentence, and where it stood in the file.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sentence {
    /// First byte in the chapter's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Index into [`Chapter::paragraphs`].
    pub paragraph: u32,
    /// Where it stood.
    pub source: SourceRange,
}

/// A range of a source file. Its bytes, decoded, with tags dropped, entities resolved and white space
/// folded, equal the canonical text that it belongs to (note marks aside; in a PDF, running heads and notes
/// between two lines too, and words divided at ends of lines mended).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourceRange {
    /// Path inside the file's archive; the name of a file that is no archive; `page N` of a PDF, whose bytes are
    /// those of the page's text as poppler gives it; a range may run on over the following pages, each of which
    /// adds a form feed and its text.
    pub href: String,
    /// First byte, in the unpacked but undecoded file.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

/// Something that was left out of the story.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SetAside {
    /// Path inside the file's archive, else the file's name.
    pub href: String,
    /// Its heading, if it has one.
    pub title: Option<String>,
    /// The rule that set it aside, such as `imprint` or `table-of-contents`.
    pub reason: String,
    /// Its paragraphs, with white space folded, joined by one blank line.
    pub text: String,
}

/// Something odd that the reader should know of.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Warning {
    /// Stable, such as `empty-chapter` or `wrong-extension`.
    pub code: String,
    /// One sentence for people.
    pub detail: String,
}

impl Chapter {
    /// The text of a sentence.
    pub fn sentence(&self, index: usize) -> &str {
        let s = &self.sentences[index];
        &self.text[s.start as usize..s.end as usize]
    }
}
