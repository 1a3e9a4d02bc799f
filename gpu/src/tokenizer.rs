//! Text to ids, and ids to an encoder's input.

use domain::passage::PassageInput;

use crate::double::mix;
use crate::error::GpuError;
use crate::model::ModelFolder;

/// Turns text into token ids. One a process will do: it takes some hundred megabytes and may be used from
/// any number of threads.
///
/// Texts are tokenized by themselves and joined afterwards: tokenizers of this kind never join what white
/// space parts, so the ids of sentences, one after the other, are the ids of their text.
pub struct Tokenizer {
    words: Words,
    /// What stands before every input (`<s>` or `[CLS]`) and after it.
    start: Vec<u32>,
    end: Vec<u32>,
    passage_prefix: Vec<u32>,
    query_prefix: Vec<u32>,
    max_tokens: usize,
}

/// By what words become ids.
enum Words {
    Model(Box<tokenizers::Tokenizer>),
    Hashed,
}

impl Tokenizer {
    /// The tokenizer of a model. Takes about a second.
    pub fn open(model: &ModelFolder) -> Result<Self, GpuError> {
        let path = model.path().join("tokenizer.json");
        let mut words = tokenizers::Tokenizer::from_file(&path).map_err(refused)?;
        // Windows are cut at the ends of sentences beforehand and padded in their batch; a file may ask for
        // either to be done here.
        words.with_padding(None);
        words.with_truncation(None).map_err(refused)?;

        let ids = |text: &str, special: bool| {
            words.encode_fast(text, special).map(|encoding| encoding.get_ids().to_vec()).map_err(refused)
        };
        let (bare, whole) = (ids("a", false)?, ids("a", true)?);
        let at = whole.windows(bare.len().max(1)).position(|window| window == bare.as_slice());
        let at =
            at.ok_or_else(|| GpuError::Tokenizer { reason: "its special tokens are not around the text".into() })?;
        Ok(Self {
            start: whole[..at].to_vec(),
            end: whole[at + bare.len()..].to_vec(),
            // The space after a prompt belongs to the text's first token.
            passage_prefix: ids(model.prompts().passage.trim_end(), false)?,
            query_prefix: ids(model.prompts().query.trim_end(), false)?,
            max_tokens: model.max_tokens(),
            words: Words::Model(Box::new(words)),
        })
    }

    /// The tokenizer that goes with [`crate::DoubleEncoder`]: a hashed id for each run of letters and
    /// digits and for each other mark, without a model.
    pub fn double() -> Self {
        Self {
            words: Words::Hashed,
            start: vec![0],
            end: vec![2],
            passage_prefix: Vec::new(),
            query_prefix: Vec::new(),
            max_tokens: crate::double::MAX_TOKENS,
        }
    }

    /// The ids of each text alone: no special tokens, no prefix, no padding, nothing cut.
    pub fn encode_batch(&self, texts: &[&str]) -> Result<Vec<Vec<u32>>, GpuError> {
        match &self.words {
            Words::Model(words) => {
                let encodings = words.encode_batch_fast(texts.to_vec(), false).map_err(refused)?;
                Ok(encodings.into_iter().map(|encoding| encoding.get_ids().to_vec()).collect())
            }
            Words::Hashed => Ok(texts.iter().map(|text| hashed(text)).collect()),
        }
    }

    /// The input for a passage of these spans (each the ids of a sentence, or of a part of one).
    ///
    /// The caller keeps the sum of their lengths within [`Self::max_tokens`] less
    /// [`Self::overhead_tokens`]; an encoder refuses a longer input.
    pub fn passage_input(&self, spans: &[&[u32]]) -> PassageInput {
        self.input(&self.passage_prefix, spans)
    }

    /// The input for a search query, with one span: the query without its prefix.
    pub fn query_input(&self, tokens: &[u32]) -> PassageInput {
        self.input(&self.query_prefix, &[tokens])
    }

    /// Tokens that every input has beside its text: the special ones and the longer prefix.
    pub fn overhead_tokens(&self) -> usize {
        self.start.len() + self.end.len() + self.passage_prefix.len().max(self.query_prefix.len())
    }

    /// Longest input, special tokens included.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    fn input(&self, prefix: &[u32], spans: &[&[u32]]) -> PassageInput {
        let text_len: usize = spans.iter().map(|span| span.len()).sum();
        let mut tokens = Vec::with_capacity(text_len + self.overhead_tokens());
        tokens.extend_from_slice(&self.start);
        tokens.extend_from_slice(prefix);
        // An input too long for u16 is refused by every encoder; here it only must not wrap around.
        let place = |len: usize| u16::try_from(len).unwrap_or(u16::MAX);
        let ranges = spans
            .iter()
            .map(|span| {
                let start = place(tokens.len());
                tokens.extend_from_slice(span);
                (start, place(tokens.len()))
            })
            .collect();
        tokens.extend_from_slice(&self.end);
        PassageInput { tokens, spans: ranges }
    }
}

/// Ids below 2^20, above the special ones.
fn hashed(text: &str) -> Vec<u32> {
    let words = text.split(char::is_whitespace).flat_map(|word| {
        word.split_inclusive(|c: char| !c.is_alphanumeric()).flat_map(|piece| {
            let letters = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
            [letters, &piece[letters.len()..]]
        })
    });
    words
        .filter(|piece| !piece.is_empty())
        .map(|piece| piece.to_lowercase().bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte))))
        .map(|hash| 4 + (hash % ((1 << 20) - 4)) as u32)
        .collect()
}

fn refused(error: tokenizers::Error) -> GpuError {
    GpuError::Tokenizer { reason: error.to_string() }
}
