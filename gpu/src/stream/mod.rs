//! Any number of texts through all lanes, answered in order: for callers that have no scheduler.
//!
//! ```text
//! texts ─ reading ─► lines ─ tokenizing ─► pile, sorted within a window ─ lanes ─► done, by number ─► emit
//! ```
//!
//! Reading, tokenizing and every lane have threads of their own; what is emitted is emitted on the caller's. Every
//! arrow is bounded: what was read and is not yet emitted is at most [`Limits`] texts and tokens, however long the
//! input, so memory stays flat. A lane that has nothing to do takes what is there, be it little: a program that
//! writes one text and waits for its answer gets it.
//!
//! A text longer than the model takes is cut into windows, each of which is encoded; its vector is the mean of
//! theirs, by tokens, of length one again, and its scores are the mean of theirs. A batch that does not fit the
//! device's memory halves the lane's cell and runs as two.

mod lane;
mod pile;

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::passage::PassageInput;

use crate::encoder::Ask;
use crate::error::{EncodeError, GpuError};
use crate::head::{HeadId, HeadKind};
use crate::lanes::Lane;
use crate::tokenizer::Tokenizer;
use pile::Pile;

/// Texts that are tokenized at once.
const CHUNK: usize = 256;

/// What a text is to the model: texts that are to be found, or what they are looked for with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text of a book.
    Passage,
    /// A search.
    Query,
}

/// What of each text is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What the texts are.
    pub kind: Kind,
    /// Their vectors.
    pub vectors: bool,
    /// Scores of these heads, which score an input as a whole or its one span.
    pub heads: Vec<HeadId>,
}

/// Bounds of what is under way.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Texts.
    pub texts: usize,
    /// Tokens.
    pub tokens: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { texts: 16_384, tokens: 1 << 18 }
    }
}

/// What came of one text.
#[derive(Clone, Debug, PartialEq)]
pub struct TextAnswer {
    /// Its place, from 0.
    pub place: usize,
    /// Tokens that were computed for it, special ones and prefix included.
    pub tokens: usize,
    /// Windows that it was cut into, at least 1.
    pub windows: usize,
    /// Of length one; empty if it was not asked for.
    pub vector: Vec<f32>,
    /// A row for each head that was asked.
    pub scores: Vec<Vec<f32>>,
}

/// Why a stream ended early. Everything before it was emitted.
#[derive(Debug, thiserror::Error)]
pub enum StreamError<E> {
    /// The source or the receiver of texts.
    #[error("{0}")]
    Outside(E),
    /// The tokenizer.
    #[error(transparent)]
    Tokenizer(GpuError),
    /// Text `place` could not be encoded.
    #[error("text {place}, counted from 0: {error}")]
    Encode {
        /// Its place, from 0.
        place: usize,
        /// Why not.
        error: EncodeError,
    },
    /// A head that scores no whole texts was asked for, or one that is not there.
    #[error("head {0} does not score whole texts")]
    Head(usize),
    /// A thread of the stream panicked; what it said is on standard error.
    #[error("a thread of the stream panicked")]
    Lost,
}

/// What a stream did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// Texts.
    pub texts: usize,
    /// Tokens of all of them.
    pub tokens: usize,
    /// Batches.
    pub batches: usize,
    /// Batches that did not fit and ran as two.
    pub split: usize,
    /// Share of the computed tokens that was padding.
    pub padding: f64,
    /// From the first text to the last answer.
    pub wall: Duration,
    /// Time that each lane computed.
    pub busy: Vec<Duration>,
    /// Mean time between two batches of a lane.
    pub idle_gap: Duration,
}

impl Stats {
    /// Tokens a second.
    pub fn tokens_per_s(&self) -> f64 {
        self.tokens as f64 / self.wall.as_secs_f64().max(1e-9)
    }

    /// Mean share of the time that lanes computed.
    pub fn busy_share(&self) -> f64 {
        let busy: f64 = self.busy.iter().map(Duration::as_secs_f64).sum();
        busy / (self.wall.as_secs_f64() * self.busy.len() as f64).max(1e-9)
    }
}

/// Who takes the answers; any function of one answer will do.
pub trait Sink<E> {
    /// Takes the next answer. An error ends the stream.
    fn take(&mut self, answer: TextAnswer) -> Result<(), E>;

    /// The next answer is not there yet: time to hand on what was kept back.
    fn pause(&mut self) -> Result<(), E> {
        Ok(())
    }
}

impl<E, F: FnMut(TextAnswer) -> Result<(), E>> Sink<E> for F {
    fn take(&mut self, answer: TextAnswer) -> Result<(), E> {
        self(answer)
    }
}

/// Runs texts through the lanes and hands the answers to `sink`, in the texts' order.
///
/// `texts` is read on a thread that is left behind if the stream ends early: it may be waiting for a line that never
/// comes.
///
/// # Errors
/// The first error in the texts' order; all answers before it were emitted.
pub fn run<E: Send + 'static>(
    tokenizer: &Tokenizer,
    lanes: &mut [Lane],
    texts: impl Iterator<Item = Result<String, E>> + Send + 'static,
    wanted: &Wanted,
    limits: Limits,
    sink: &mut impl Sink<E>,
) -> Result<Stats, StreamError<E>> {
    let heads = lanes.first().map(|lane| lane.encoder.heads()).unwrap_or_default();
    let whole = |head: &&HeadId| {
        let kind = heads.get(head.0).map(|head| head.kind);
        !matches!(kind, Some(HeadKind::PassageLabels | HeadKind::SentenceLabels | HeadKind::SpanScores))
    };
    if let Some(head) = wanted.heads.iter().find(whole) {
        return Err(StreamError::Head(head.0));
    }
    let ask = Ask { vectors: wanted.vectors, heads: wanted.heads.clone(), ..Ask::default() };
    let began = Instant::now();
    let pile = Arc::new(Pile::new(limits));
    let reader = Arc::clone(&pile);
    std::thread::spawn(move || read(&reader, texts));
    let mut stats = Stats::default();
    let ended = std::thread::scope(|scope| {
        let _watch = Watch(&pile);
        let tokenizing = scope.spawn(|| tokenize(&pile, tokenizer, wanted.kind));
        let threads: Vec<_> = lanes.iter_mut().map(|lane| scope.spawn(|| lane::serve(&pile, lane, &ask))).collect();
        let ended = emit_all(&pile, &mut stats, sink);
        pile.stop();
        // Whether one of them panicked the pile knows; joined, it does not take this thread along.
        let _ = tokenizing.join();
        let served: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect();
        stats.wall = began.elapsed();
        stats.add(&served);
        ended
    });
    ended?;
    if pile.is_lost() { Err(StreamError::Lost) } else { Ok(stats) }
}

/// Held by each thread that others wait for: without it they would wait for ever for what a panic took along.
struct Watch<'a, E>(&'a Pile<E>);

impl<E> Drop for Watch<'_, E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lose();
        }
    }
}

fn read<E>(pile: &Pile<E>, texts: impl Iterator<Item = Result<String, E>>) {
    let _watch = Watch(pile);
    for text in texts {
        if !pile.put_text(text) {
            return;
        }
    }
    pile.no_more_texts();
}

fn tokenize<E>(pile: &Pile<E>, tokenizer: &Tokenizer, kind: Kind) {
    let _watch = Watch(pile);
    let room = tokenizer.max_tokens().saturating_sub(tokenizer.overhead_tokens()).max(1);
    while let Some(texts) = pile.take_texts(CHUNK) {
        let (good, bad) = texts;
        let strs: Vec<&str> = good.iter().map(String::as_str).collect();
        match tokenizer.encode_batch(&strs) {
            Ok(ids) => {
                for ids in ids {
                    if !pile.put_inputs(windows(tokenizer, kind, &ids, room)) {
                        return;
                    }
                }
            }
            Err(error) => return pile.put_error(StreamError::Tokenizer(error)),
        }
        if let Some(error) = bad {
            return pile.put_error(StreamError::Outside(error));
        }
    }
    pile.no_more_inputs();
}

/// The inputs of one text: one, or as many windows of like length as it needs.
fn windows(tokenizer: &Tokenizer, kind: Kind, ids: &[u32], room: usize) -> Vec<PassageInput> {
    let input = |ids: &[u32]| {
        let mut input = match kind {
            Kind::Passage => tokenizer.passage_input(&[ids]),
            Kind::Query => tokenizer.query_input(ids),
        };
        if ids.is_empty() {
            // Of an empty text the prefix and the special tokens tell.
            input.spans = vec![(0, u16::try_from(input.tokens.len()).unwrap_or(u16::MAX))];
        }
        input
    };
    if ids.len() <= room {
        return vec![input(ids)];
    }
    let count = ids.len().div_ceil(room);
    ids.chunks(ids.len().div_ceil(count)).map(input).collect()
}

fn emit_all<E>(pile: &Pile<E>, stats: &mut Stats, sink: &mut impl Sink<E>) -> Result<(), StreamError<E>> {
    loop {
        if !pile.is_answered(stats.texts) {
            sink.pause().map_err(StreamError::Outside)?;
        }
        let Some(answer) = pile.next_answer(stats.texts) else { return Ok(()) };
        let answer = answer?;
        stats.texts += 1;
        stats.tokens += answer.tokens;
        sink.take(answer).map_err(StreamError::Outside)?;
    }
}

impl Stats {
    fn add(&mut self, served: &[lane::Served]) {
        let sum = |of: fn(&lane::Served) -> usize| served.iter().map(of).sum::<usize>();
        self.batches = sum(|lane| lane.batches);
        self.split = sum(|lane| lane.split);
        self.busy = served.iter().map(|lane| lane.busy).collect();
        self.padding = 1.0 - sum(|lane| lane.tokens) as f64 / sum(|lane| lane.computed_tokens).max(1) as f64;
        let gaps: Duration = served.iter().map(|lane| lane.gaps).sum();
        self.idle_gap = gaps / u32::try_from(self.batches).unwrap_or(u32::MAX).max(1);
    }
}
