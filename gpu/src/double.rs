//! An encoder without a model, for tests of everything around one.

use std::time::Duration;

use domain::id::Digest;
use domain::manifest::NumericProfile;
use domain::passage::{Encoded, PassageInput};
use half::f16;

use crate::encoder::{Answers, Ask, Encoder, MemoryReport, Scores, check_ask, check_batch};
use crate::error::EncodeError;
use crate::head::HeadInfo;

/// Length of the double's vectors.
const DIM: usize = 64;
/// How many of a vector's places each token counts in.
const PLACES: u64 = 4;
/// Longest input, as of the real encoder.
pub(crate) const MAX_TOKENS: usize = 512;

/// A hashed bag of tokens: texts that share tokens lie near one another.
///
/// Sums are taken in integers, so a vector depends on its tokens alone: not on their order, their batch,
/// the padding or the machine.
#[derive(Clone, Debug, Default)]
pub struct DoubleEncoder {
    delay: Duration,
    heads: Vec<HeadInfo>,
}

impl DoubleEncoder {
    /// An encoder that answers at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every batch takes this long, as on a slow device.
    pub fn with_delay(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    /// Heads whose scores are hashes of what they score, between 0 and 1.
    pub fn with_heads(mut self, heads: Vec<HeadInfo>) -> Self {
        self.heads = heads;
        self
    }

    /// What stands for a model's digest in the ids of items.
    pub fn digest() -> Digest {
        Digest::of(b"visiobook double encoder 1")
    }
}

impl Encoder for DoubleEncoder {
    fn dim(&self) -> usize {
        DIM
    }

    fn profile(&self) -> NumericProfile {
        NumericProfile::Double
    }

    fn heads(&self) -> Vec<HeadInfo> {
        self.heads.clone()
    }

    fn run(&mut self, batch: &[PassageInput], ask: &Ask) -> Result<Answers, EncodeError> {
        check_batch(batch, u32::MAX, MAX_TOKENS)?;
        check_ask(batch, ask, self.heads.len())?;
        if !self.delay.is_zero() {
            std::thread::sleep(self.delay);
        }
        let encode = |input: &PassageInput| Encoded {
            passage: bag(&input.tokens),
            sentences: input
                .spans
                .iter()
                .flat_map(|(start, end)| bag(&input.tokens[usize::from(*start)..usize::from(*end)]))
                .collect(),
        };
        let vectors = if ask.vectors { batch.iter().map(encode).collect() } else { Vec::new() };
        let scores = ask.heads.iter().map(|head| hashed_scores(&self.heads[head.0], batch, ask)).collect();
        Ok(Answers { vectors, scores })
    }

    fn packs(&self) -> bool {
        true
    }

    fn memory(&self) -> MemoryReport {
        MemoryReport { free_bytes: 1 << 30, total_bytes: 1 << 30, host: true, ..MemoryReport::default() }
    }
}

/// Numbers from 0 to 1 that depend on the input, the row and the label alone.
fn hashed_scores(head: &HeadInfo, batch: &[PassageInput], ask: &Ask) -> Scores {
    let (mut values, mut rows_of) = (Vec::new(), Vec::new());
    for (place, input) in batch.iter().enumerate() {
        let rows = head.rows(ask, place, input);
        let seed = input.tokens.iter().fold(0, |hash, token| mix(hash ^ u64::from(*token)));
        let cells = 0..(rows * head.labels.len()) as u64;
        values.extend(cells.map(|cell| (mix(seed ^ mix(cell)) >> 40) as f32 / (1u32 << 24) as f32));
        rows_of.push(rows);
    }
    Scores::new(head.labels.len(), rows_of.into_iter(), values).unwrap_or_default()
}

/// L2-normalised counts of signed, hashed places.
fn bag(tokens: &[u32]) -> Vec<u16> {
    let mut counts = [0i32; DIM];
    for token in tokens {
        for place in 0..PLACES {
            let hash = mix(u64::from(*token) * PLACES + place);
            let sign = if hash >> 63 == 0 { 1 } else { -1 };
            counts[(hash % DIM as u64) as usize] += sign;
        }
    }
    let squares: i64 = counts.iter().map(|c| i64::from(*c) * i64::from(*c)).sum();
    if squares == 0 {
        counts[0] = 1; // tokens whose places cancel out still need a direction
    }
    let norm = (squares.max(1) as f64).sqrt();
    counts.iter().map(|c| f16::from_f64(f64::from(*c) / norm).to_bits()).collect()
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014).
pub(crate) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
