//! A book that was read: its canonical text, and where each sentence stood in the file.
//!
//! Offsets named `start` and `end` are bytes: of a chapter's [`Chapter::text`] unless they stand in a
//! [`SourceRange`], which counts in the undecoded bytes of a source file.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::id::Digest;
use crate::language::Language;

/// Version of the `book.json` format.
pub const BOOK_SCHEMA: u32 = 1;

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
    /// The file that it was read from.
    pub source: BookSource,
    /// In reading order. Never empty.
    pub chapters: Vec<Chapter>,
    /// Front matter, imprints, licences: left out of the story, by rule.
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
    /// EPUB 3 (and 2, as far as its spine goes).
    Epub,
    /// Plain text.
    Txt,
}

/// One chapter: canonical text with its structure laid over it.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
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
/// folded, equal the canonical text that it belongs to (note marks aside).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SourceRange {
    /// Path inside the EPUB, or the name of a plain text file.
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
    /// Path inside the EPUB, or the name of a plain text file.
    pub href: String,
    /// Its heading, if it has one.
    pub title: Option<String>,
    /// The rule that set it aside, such as `imprint` or `table-of-contents`.
    pub reason: String,
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
