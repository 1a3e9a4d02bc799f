//! What an encoder is: the trait, its limits, and the checks that every encoder makes.

use domain::manifest::NumericProfile;
use domain::passage::{Encoded, PassageInput};

use crate::error::EncodeError;
use crate::head::{HeadId, HeadInfo};

/// Tokens of one batch, padding included, above which it is refused: 512 passages of 512 tokens. A bound
/// for what a wrong plan could ask of a device, far above what any plan should.
pub const MAX_BATCH_TOKENS: usize = 512 * 512;

/// Runs batches through one shared body and the heads that stand on it.
///
/// One value serves one thread. `run` blocks while the device computes.
pub trait Encoder: Send {
    /// Length of every vector.
    fn dim(&self) -> usize;

    /// How floats are computed; part of every item's identity.
    fn profile(&self) -> NumericProfile;

    /// What is attached, by [`HeadId`].
    fn heads(&self) -> Vec<HeadInfo>;

    /// Runs a batch once and gives what is asked for; the answers are in its order. All of it or nothing:
    /// an error leaves no results, and only [`EncodeError::Broken`] makes the encoder unusable.
    fn run(&mut self, batch: &[PassageInput], ask: &Ask) -> Result<Answers, EncodeError>;

    /// Inputs of unequal length share a batch without padding: what a batch costs is the sum of its tokens.
    fn packs(&self) -> bool {
        false
    }

    /// Memory of the device, now.
    fn memory(&self) -> MemoryReport;

    /// The vectors of a batch: [`Encoder::run`], asked for nothing else.
    fn encode(&mut self, batch: &[PassageInput]) -> Result<Vec<Encoded>, EncodeError> {
        Ok(self.run(batch, &Ask::vectors())?.vectors)
    }
}

/// What is wanted of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// The encoder's own vectors. Where only heads are wanted, no layer above them is run.
    pub vectors: bool,
    /// Whose scores.
    pub heads: Vec<HeadId>,
    /// For span and pair heads: the candidates of each input, as its spans are given. None at all for the
    /// input's own spans.
    pub candidates: Vec<Vec<(u16, u16)>>,
    /// For pair heads: places among each input's candidates.
    pub pairs: Vec<Vec<(u16, u16)>>,
}

impl Ask {
    /// The vectors and nothing else.
    pub fn vectors() -> Self {
        Self { vectors: true, ..Self::default() }
    }

    /// The scores of one head and nothing else.
    pub fn head(head: HeadId) -> Self {
        Self { heads: vec![head], ..Self::default() }
    }

    pub(crate) fn candidates_of<'a>(&'a self, input: usize, passage: &'a PassageInput) -> &'a [(u16, u16)] {
        if self.candidates.is_empty() { &passage.spans } else { &self.candidates[input] }
    }
}

/// What came of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// One for each input, if they were asked for.
    pub vectors: Vec<Encoded>,
    /// One for each head that was asked, in that order.
    pub scores: Vec<Scores>,
}

/// A head's scores for a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    columns: usize,
    /// Where each input's numbers begin, and where the last one's end.
    starts: Vec<usize>,
    values: Vec<f32>,
}

impl Scores {
    /// Rows of `columns` numbers: `rows` of them for each input, in order. `None` where that is not what
    /// `values` hold.
    pub(crate) fn new(columns: usize, rows: impl Iterator<Item = usize>, values: Vec<f32>) -> Option<Self> {
        let mut starts = vec![0];
        let mut at = 0;
        starts.extend(rows.map(|rows| {
            at += rows * columns;
            at
        }));
        (at == values.len()).then_some(Self { columns, starts, values })
    }

    /// The rows of one input; see [`crate::HeadKind`] for what they are.
    ///
    /// # Panics
    /// Where the batch has no such input.
    pub fn of(&self, input: usize) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values[self.starts[input]..self.starts[input + 1]].chunks_exact(self.columns.max(1))
    }
}

/// Memory of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryReport {
    /// Held by the weights; encoders that share them report the same ones.
    pub weights_bytes: u64,
    /// Free for activations, as far as the device tells; 0 where it does not.
    pub free_bytes: u64,
    /// All that the device has; 0 where it does not tell.
    pub total_bytes: u64,
    /// What the widest layer needs for each token of a batch: activations take no less.
    pub least_bytes_per_token: u64,
    /// It is the memory of the host, which others use too.
    pub host: bool,
}

/// Refuses an ask that does not fit its batch or names a head that is not there.
pub(crate) fn check_ask(batch: &[PassageInput], ask: &Ask, heads: usize) -> Result<(), EncodeError> {
    if let Some(head) = ask.heads.iter().find(|head| head.0 >= heads) {
        let reason = format!("head {} was asked for, {heads} are attached", head.0);
        return Err(EncodeError::BadAsk { reason });
    }
    for (what, given) in [("candidates", ask.candidates.len()), ("pairs", ask.pairs.len())] {
        if given != 0 && given != batch.len() {
            let reason = format!("{what} are given for {given} inputs, the batch has {}", batch.len());
            return Err(EncodeError::BadAsk { reason });
        }
    }
    for (index, input) in batch.iter().enumerate() {
        let bad = |reason: String| Err(EncodeError::BadInput { index, reason });
        let candidates = ask.candidates_of(index, input);
        let outside = |(start, end): &&(u16, u16)| start >= end || usize::from(*end) > input.tokens.len();
        if let Some((start, end)) = candidates.iter().find(outside) {
            return bad(format!("candidate {start}..{end} is empty or lies outside of its tokens"));
        }
        let pairs = ask.pairs.get(index).map_or(&[][..], Vec::as_slice);
        let known = |place: u16| usize::from(place) < candidates.len();
        if let Some((a, b)) = pairs.iter().find(|(a, b)| !known(*a) || !known(*b)) {
            return bad(format!("pair ({a}, {b}) is not among its {} candidates", candidates.len()));
        }
    }
    Ok(())
}

/// Refuses what no encoder can encode. `vocabulary` is one more than the largest id.
pub(crate) fn check_batch(batch: &[PassageInput], vocabulary: u32, max_tokens: usize) -> Result<(), EncodeError> {
    let longest = batch.iter().map(|input| input.tokens.len()).max().unwrap_or(0);
    for (index, input) in batch.iter().enumerate() {
        let bad = |reason: String| Err(EncodeError::BadInput { index, reason });
        let len = input.tokens.len();
        if len == 0 {
            return bad("it has no tokens".into());
        }
        if len > max_tokens {
            return bad(format!("it has {len} tokens, more than {max_tokens}"));
        }
        if let Some(id) = input.tokens.iter().find(|id| **id >= vocabulary) {
            return bad(format!("token {id} is not among the model's {vocabulary}"));
        }
        if let Some((start, end)) = input.spans.iter().find(|(start, end)| start >= end || usize::from(*end) > len) {
            return bad(format!("span {start}..{end} is empty or lies outside of its {len} tokens"));
        }
        if input.spans.len() > len {
            return bad(format!("it has {} spans, more than tokens", input.spans.len()));
        }
    }
    let padded = longest * batch.len();
    if padded > MAX_BATCH_TOKENS {
        let reason = format!("a batch of {padded} padded tokens is above the limit of {MAX_BATCH_TOKENS}");
        return Err(EncodeError::OutOfMemory { reason });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(tokens: &[u32], spans: &[(u16, u16)]) -> PassageInput {
        PassageInput { tokens: tokens.to_vec(), spans: spans.to_vec() }
    }

    #[test]
    fn each_bad_input_is_named_by_its_place_in_the_batch() {
        let good = input(&[1, 2, 3], &[(1, 2)]);
        assert_eq!(check_batch(&[], 10, 512), Ok(()));
        assert_eq!(check_batch(&[good.clone(), good.clone()], 10, 512), Ok(()));
        let bad = [
            input(&[], &[]),
            input(&[1; 513], &[]),
            input(&[1, 10], &[]),
            input(&[1, 2], &[(1, 1)]),
            input(&[1, 2], &[(0, 3)]),
            input(&[1, 2], &[(0, 1), (0, 1), (0, 1)]),
        ];
        for bad in bad {
            match check_batch(&[good.clone(), bad.clone()], 10, 512) {
                Err(EncodeError::BadInput { index: 1, .. }) => {}
                other => panic!("{bad:?} gave {other:?}"),
            }
        }
    }

    #[test]
    fn an_ask_that_does_not_fit_its_batch_is_refused() {
        let batch = [input(&[1, 2, 3], &[(0, 1), (1, 3)])];
        let ask = |heads: &[usize], candidates: &[&[(u16, u16)]], pairs: &[&[(u16, u16)]]| Ask {
            vectors: false,
            heads: heads.iter().copied().map(HeadId).collect(),
            candidates: candidates.iter().map(|c| c.to_vec()).collect(),
            pairs: pairs.iter().map(|p| p.to_vec()).collect(),
        };
        assert_eq!(check_ask(&batch, &ask(&[0], &[&[(0, 3)]], &[&[(0, 0)]]), 1), Ok(()));
        assert_eq!(check_ask(&batch, &ask(&[0], &[], &[&[(1, 0)]]), 1), Ok(()), "its own spans are the candidates");
        let refused = [
            (ask(&[1], &[], &[]), "encode-bad-ask"),
            (ask(&[0], &[&[], &[]], &[]), "encode-bad-ask"),
            (ask(&[0], &[], &[&[], &[]]), "encode-bad-ask"),
            (ask(&[0], &[&[(2, 2)]], &[]), "encode-bad-input"),
            (ask(&[0], &[&[(0, 4)]], &[]), "encode-bad-input"),
            (ask(&[0], &[&[(0, 1)]], &[&[(0, 1)]]), "encode-bad-input"),
        ];
        for (ask, code) in refused {
            assert_eq!(check_ask(&batch, &ask, 1).unwrap_err().code(), code, "{ask:?}");
        }
    }

    #[test]
    fn scores_are_told_by_input_and_row() {
        let scores = Scores::new(2, [1, 0, 2].into_iter(), vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6]).unwrap();
        assert_eq!(scores.of(0).collect::<Vec<_>>(), [[0.1, 0.2]]);
        assert_eq!(scores.of(1).len(), 0);
        assert_eq!(scores.of(2).collect::<Vec<_>>(), [[0.3, 0.4], [0.5, 0.6]]);
        assert_eq!(Scores::new(2, [2].into_iter(), vec![0.0; 3]), None);
    }

    #[test]
    fn a_batch_beyond_every_plan_is_answered_as_too_large() {
        let batch = vec![input(&[1; 512], &[]); 513];
        assert_eq!(check_batch(&batch, 10, 512).unwrap_err().code(), "encode-out-of-memory");
    }
}
