//! Where small trained heads attach: they read the hidden states of the one pass that all share.

use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

use crate::encoder::Ask;
use crate::hidden::Hidden;
use domain::passage::PassageInput;

/// What a head scores: of what each row of its answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeadKind {
    /// Each token of an input.
    TokenTags,
    /// Each candidate span: [`Ask::candidates`], or the input's own spans where none are named.
    SpanScores,
    /// Each of the input's own spans: its sentences.
    SentenceLabels,
    /// The input as a whole.
    PassageLabels,
    /// Each pair of candidate spans: [`Ask::pairs`].
    PairScores,
}

/// What a head is called and what its scores mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadInfo {
    /// Unique among the heads of an encoder.
    pub name: String,
    /// Of what each row tells.
    pub kind: HeadKind,
    /// Names of a row's numbers.
    pub labels: Vec<String>,
}

impl HeadInfo {
    /// Rows of the answer for one input of a batch, `input` its place.
    pub(crate) fn rows(&self, ask: &Ask, input: usize, passage: &PassageInput) -> usize {
        match self.kind {
            HeadKind::TokenTags => passage.tokens.len(),
            HeadKind::SpanScores => ask.candidates_of(input, passage).len(),
            HeadKind::SentenceLabels => passage.spans.len(),
            HeadKind::PassageLabels => 1,
            HeadKind::PairScores => ask.pairs.get(input).map_or(0, Vec::len),
        }
    }
}

/// Names a head among those of an encoder: in the order in which they were attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeadId(pub usize);

/// A head on libtorch. It serves the thread of its encoder; [`Head::share`] gives one for another.
///
/// A head that needs more than a few rows on top of the shared body reads it below its end ([`Head::tap`])
/// and goes on with layers of its own.
pub trait Head: Send + std::fmt::Debug {
    /// Its name and labels.
    fn info(&self) -> &HeadInfo;

    /// How many layers of the shared body it stands on; none above are run for it.
    fn tap(&self) -> usize;

    /// The same weights once more, without a copy.
    fn share(&self) -> Box<dyn Head>;

    /// Bytes of its weights.
    fn bytes(&self) -> u64;

    /// Scores, 32-bit floats on the device: a row for each thing that its kind names, inputs in the
    /// batch's order; a column for each label.
    fn run(&self, hidden: &Hidden<'_>) -> Result<Tensor, TchError>;
}
