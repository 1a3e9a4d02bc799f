//! Windows of sentences, their tokens, and what the encoder says of them.

use bincode::{Decode, Encode};

/// A window of whole sentences of one chapter, of at most 510 tokens. A sentence that is longer than
/// that is cut; its pieces stand in several passages.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Passage {
    /// Index of the chapter.
    pub chapter: u32,
    /// What it holds, in order.
    pub spans: Vec<SentenceSpan>,
}

/// The part of a sentence that stands in a passage: all of it, unless it is too long for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SentenceSpan {
    /// Index of the sentence in its chapter.
    pub sentence: u32,
    /// First token of the sentence that is in the passage.
    pub token_start: u32,
    /// One past the last.
    pub token_end: u32,
}

/// What a worker encodes: token ids with the model's special tokens and prefix in place, and where each
/// sentence span lies in them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PassageInput {
    /// Token ids, at most 512.
    pub tokens: Vec<u32>,
    /// `(start, end)` in `tokens`, a pair for each of [`Passage::spans`], in order.
    pub spans: Vec<(u16, u16)>,
}

/// What the encoder says of one passage. Vectors are L2-normalised and stored as IEEE half floats
/// (their bits), `dim` to a vector.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Encoded {
    /// Mean over all tokens.
    pub passage: Vec<u16>,
    /// Mean over each span's tokens, concatenated in the order of [`PassageInput::spans`].
    pub sentences: Vec<u16>,
}
