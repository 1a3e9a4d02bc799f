//! Hidden states of one batch, and what pools and heads take from them.

use domain::passage::PassageInput;
use tch::{Kind, TchError, Tensor};

use crate::encoder::Ask;
use crate::layout::{Layout, indices};

/// Hidden states after some layer, on the device: a row a token, see [`Layout`].
#[derive(Debug)]
pub struct Hidden<'a> {
    states: Tensor,
    layout: &'a Layout,
    batch: &'a [PassageInput],
    ask: &'a Ask,
}

impl<'a> Hidden<'a> {
    /// States `[rows, hidden]` of a batch.
    pub(crate) fn new(states: Tensor, layout: &'a Layout, batch: &'a [PassageInput], ask: &'a Ask) -> Self {
        Self { states, layout, batch, ask }
    }

    /// The same batch after further layers.
    pub fn with_states(&self, states: Tensor) -> Hidden<'a> {
        Hidden { states, ..*self }
    }

    /// `[rows, hidden]`, as the encoder computes; rows may be padding.
    pub fn states(&self) -> &Tensor {
        &self.states
    }

    /// Which row is what.
    pub fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// Mean over all tokens of each input: `[inputs, hidden]`, 32-bit floats.
    pub fn passages(&self) -> Result<Tensor, TchError> {
        self.means((0..self.layout.inputs()).map(|input| (input, self.whole(input))))
    }

    /// Mean over each input's own spans, inputs in order: `[spans, hidden]`, 32-bit floats.
    pub fn spans(&self) -> Result<Tensor, TchError> {
        self.means(self.batch.iter().enumerate().flat_map(|(input, passage)| each(input, &passage.spans)))
    }

    /// For each input its own mean, then those of its spans: all vectors of the encoder in one matrix.
    pub fn passages_and_spans(&self) -> Result<Tensor, TchError> {
        self.means(self.batch.iter().enumerate().flat_map(|(input, passage)| {
            std::iter::once((input, self.whole(input))).chain(each(input, &passage.spans))
        }))
    }

    /// Mean over each candidate span, inputs in order: `[candidates, hidden]`, 32-bit floats.
    pub fn candidates(&self) -> Result<Tensor, TchError> {
        self.means(self.batch.iter().enumerate().flat_map(|(i, passage)| each(i, self.ask.candidates_of(i, passage))))
    }

    /// Means over both spans of each pair, inputs in order: twice `[pairs, hidden]`, 32-bit floats.
    pub fn pairs(&self) -> Result<(Tensor, Tensor), TchError> {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        let mut before = 0i64;
        for (i, passage) in self.batch.iter().enumerate() {
            let pairs = self.ask.pairs.get(i).map_or(&[][..], Vec::as_slice);
            left.extend(pairs.iter().map(|(a, _)| before + i64::from(*a)));
            right.extend(pairs.iter().map(|(_, b)| before + i64::from(*b)));
            before += self.ask.candidates_of(i, passage).len() as i64;
        }
        let candidates = self.candidates()?;
        let select = |rows: &[i64]| candidates.f_index_select(0, &indices(rows, candidates.device())?);
        Ok((select(&left)?, select(&right)?))
    }

    /// Every token, inputs in order, without padding: `[tokens, hidden]`, as the encoder computes.
    pub fn tokens(&self) -> Result<Tensor, TchError> {
        let rows = (0..self.layout.inputs()).flat_map(|input| self.layout.rows_of(input, self.whole(input)));
        self.select(rows)
    }

    /// The first token of each input: `[inputs, hidden]`, as the encoder computes.
    pub fn firsts(&self) -> Result<Tensor, TchError> {
        self.select((0..self.layout.inputs()).map(|input| self.layout.rows_of(input, (0, 1)).start))
    }

    /// The token ids of each input.
    pub(crate) fn pieces_of_passages(&self) -> Vec<&'a [u32]> {
        self.batch.iter().map(|passage| passage.tokens.as_slice()).collect()
    }

    /// The token ids of each input's own spans, inputs in order.
    pub(crate) fn pieces_of_spans(&self) -> Vec<&'a [u32]> {
        self.batch.iter().flat_map(|passage| pieces(passage, &passage.spans)).collect()
    }

    /// The token ids of each candidate span, inputs in order.
    pub(crate) fn pieces_of_candidates(&self) -> Vec<&'a [u32]> {
        let each = |(i, passage): (usize, &'a PassageInput)| pieces(passage, self.ask.candidates_of(i, passage));
        self.batch.iter().enumerate().flat_map(each).collect()
    }

    fn whole(&self, input: usize) -> (usize, usize) {
        (0, self.layout.len_of(input))
    }

    fn select(&self, rows: impl Iterator<Item = usize>) -> Result<Tensor, TchError> {
        let rows: Vec<i64> = rows.map(|row| row as i64).collect();
        self.states.f_index_select(0, &indices(&rows, self.states.device())?)
    }

    /// Means over ranges of tokens, taken in single precision.
    fn means(&self, ranges: impl Iterator<Item = (usize, (usize, usize))>) -> Result<Tensor, TchError> {
        const MEAN: i64 = 1;
        let (mut rows, mut starts) = (Vec::new(), Vec::new());
        for (input, range) in ranges {
            starts.push(rows.len() as i64);
            rows.extend(self.layout.rows_of(input, range).map(|row| row as i64));
        }
        let (width, device) = (self.states.size2()?.1, self.states.device());
        if starts.is_empty() {
            return Tensor::f_empty([0, width], (Kind::Float, device));
        }
        let (rows, starts) = (indices(&rows, device)?, indices(&starts, device)?);
        let states = self.states.f_to_kind(Kind::Float)?;
        Ok(Tensor::f_embedding_bag(&states, &rows, &starts, false, MEAN, false, None::<Tensor>, false)?.0)
    }
}

fn pieces<'a>(passage: &'a PassageInput, spans: &'a [(u16, u16)]) -> impl Iterator<Item = &'a [u32]> {
    spans.iter().map(|(start, end)| &passage.tokens[usize::from(*start)..usize::from(*end)])
}

fn each(input: usize, spans: &[(u16, u16)]) -> impl Iterator<Item = (usize, (usize, usize))> {
    spans.iter().map(move |(start, end)| (input, (usize::from(*start), usize::from(*end))))
}
