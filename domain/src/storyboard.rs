//! Scenes, panels, characters, and the evidence for each: the schema of `storyboard.json`.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::book::Chapter;
use crate::id::Digest;
use crate::language::Language;

/// Version of the `storyboard.json` format.
pub const STORYBOARD_SCHEMA: u32 = 1;

/// A whole storyboard.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Storyboard {
    /// Always [`STORYBOARD_SCHEMA`].
    pub schema: u32,
    /// The book's title.
    pub title: String,
    /// The book's authors.
    pub authors: Vec<String>,
    /// The book's language.
    pub language: Language,
    /// SHA-256 of the book file.
    pub book_digest: Digest,
    /// Of every chapter of the book, in order; each has at least one scene.
    pub chapters: Vec<StoryChapter>,
    /// Who and what is named, commonest first.
    pub names: Vec<Name>,
    /// In order of the book.
    pub scenes: Vec<Scene>,
}

/// A chapter, as the storyboard sees it.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StoryChapter {
    /// Index of the chapter in `book.json`.
    pub chapter: u32,
    /// The heading, if there is one.
    pub title: Option<String>,
    /// Index of its first scene in [`Storyboard::scenes`].
    pub first_scene: u32,
    /// How many scenes it has.
    pub scenes: u32,
}

/// By what means something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// By a stated rule over the words.
    Rule,
    /// By the distance of embeddings.
    Embedding,
}

/// A name that recurs in the book.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Name {
    /// As the book writes it.
    pub name: String,
    /// How often it stands in the book.
    pub count: u32,
    /// How it was found.
    pub method: Method,
    /// Where it first stands.
    pub first: Evidence,
}

/// A stretch of one chapter that hangs together.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Scene {
    /// Position in the book, from 0.
    pub index: u32,
    /// Index of its chapter.
    pub chapter: u32,
    /// First byte in the chapter's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Why the scene starts here.
    pub boundary: Boundary,
    /// One or two sentences of the text itself.
    pub summary: Vec<Evidence>,
    /// Names that stand in the scene, commonest first: indexes into [`Storyboard::names`].
    pub names: Vec<u32>,
    /// At least one.
    pub panels: Vec<Panel>,
}

/// Why a scene starts where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Boundary {
    /// A chapter starts.
    Chapter,
    /// The book marks a break: a rule, asterisks, a wide blank.
    Break,
    /// The talk turns to something else: a valley of embedding cohesion.
    Cohesion,
}

/// One picture of the storyboard. It claims nothing that its evidence does not say.
#[derive(Clone, Debug, PartialEq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Panel {
    /// Position in the book, from 0.
    pub index: u32,
    /// What the panel shows, in the book's own words. Never empty.
    pub evidence: Vec<Evidence>,
    /// Names in those sentences: indexes into [`Storyboard::names`].
    pub names: Vec<u32>,
    /// The sentences hold spoken words.
    pub dialogue: bool,
    /// How long the panel stands when shown, by reading speed.
    pub duration_ms: u32,
}

/// A stretch of the book, quoted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Evidence {
    /// Exactly `chapters[chapter].text[start..end]` of `book.json`.
    pub text: String,
    /// Index of the chapter.
    pub chapter: u32,
    /// First byte in the chapter's text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Path inside the EPUB, or the name of a plain text file.
    pub source_href: String,
    /// First byte in that file, unpacked but undecoded.
    pub source_start: u64,
    /// One past the last byte. The range, decoded, tags dropped and white space folded, equals `text`
    /// (note marks aside).
    pub source_end: u64,
}

impl Evidence {
    /// A sentence of a chapter, by its position there, quoted.
    ///
    /// # Panics
    /// If the chapter has no such sentence.
    pub fn of(chapter: &Chapter, sentence: usize) -> Self {
        let s = &chapter.sentences[sentence];
        Self {
            text: chapter.sentence(sentence).to_owned(),
            chapter: chapter.index,
            start: s.start,
            end: s.end,
            source_href: s.source.href.clone(),
            source_start: s.source.start,
            source_end: s.source.end,
        }
    }
}
