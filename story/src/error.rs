//! Why a storyboard can't be made.

use domain::id::ItemId;

/// Why a storyboard can't be made from what was handed in. None of these can come from an odd book: they
/// say that book, manifest and encodings do not belong together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoryError {
    /// The book has no chapter.
    #[error("the book has no chapters; read it again")]
    EmptyBook,
    /// A chapter holds no sentence, so nothing could be quoted for it.
    #[error("chapter {chapter} of the book holds no sentences; the reader should have left it out")]
    EmptyChapter {
        /// Index of the chapter.
        chapter: u32,
    },
    /// A sentence or paragraph points outside of its chapter.
    #[error("chapter {chapter} of the book is not well formed: {what}; read the book again")]
    MalformedBook {
        /// Index of the chapter.
        chapter: u32,
        /// What is wrong.
        what: &'static str,
    },
    /// A result that the manifest names is not there.
    #[error("the encoding of item {item:?} is missing; let the run finish understanding first")]
    MissingItem {
        /// The item.
        item: ItemId,
    },
    /// A result has not the shape that its passage calls for.
    #[error("the encoding of item {item:?} has {found} sentence values where {expected} belong; encode it anew")]
    WrongShape {
        /// The item.
        item: ItemId,
        /// Values that were found.
        found: usize,
        /// Values that belong there.
        expected: usize,
    },
    /// A result holds infinities or what is not a number.
    #[error("the encoding of item {item:?} is not finite; encode it anew, in f32 if it was bf16")]
    NotFinite {
        /// The item.
        item: ItemId,
    },
    /// The manifest speaks of a sentence that the book does not have.
    #[error("the manifest names sentence {sentence} of chapter {chapter}, which the book does not have")]
    UnknownSentence {
        /// Index of the chapter.
        chapter: u32,
        /// Index of the sentence in it.
        sentence: u32,
    },
    /// A sentence has no vector.
    #[error("sentence {sentence} of chapter {chapter} has no vector; the manifest is not of this book")]
    MissingSentence {
        /// Index of the chapter.
        chapter: u32,
        /// Index of the sentence in it.
        sentence: u32,
    },
    /// The settings contradict themselves.
    #[error("setting {name} is out of range: {rule}")]
    BadSetting {
        /// Name of the setting.
        name: &'static str,
        /// What it must fulfil.
        rule: &'static str,
    },
}

impl StoryError {
    /// Stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyBook => "story-empty-book",
            Self::EmptyChapter { .. } => "story-empty-chapter",
            Self::MalformedBook { .. } => "story-malformed-book",
            Self::MissingItem { .. } => "story-missing-item",
            Self::WrongShape { .. } => "story-wrong-shape",
            Self::NotFinite { .. } => "story-not-finite",
            Self::UnknownSentence { .. } => "story-unknown-sentence",
            Self::MissingSentence { .. } => "story-missing-sentence",
            Self::BadSetting { .. } => "story-bad-setting",
        }
    }
}
