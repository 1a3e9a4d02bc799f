//! What a device takes at once, by the length of the longest input: its cells.

/// Lengths of one cell differ by less than this factor, so that one that is too large says little of others.
const STEP: f64 = 1.25;
/// Cells, enough for every length that a batch may have.
const CELLS: usize = 48;

/// Caps on a batch's tokens, counted as inputs × longest, a cell for each range of lengths.
///
/// Running out of memory halves a cell; longer inputs need no less memory a token, so their cells follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells {
    caps: Vec<usize>,
}

impl Cells {
    /// Every cell takes `padded_tokens`.
    pub fn new(padded_tokens: usize) -> Self {
        Self { caps: vec![padded_tokens.max(1); CELLS] }
    }

    /// What a batch whose longest input has `longest` tokens may hold; one input it may always.
    pub fn cap(&self, longest: usize) -> usize {
        self.caps[cell(longest)].max(longest)
    }

    /// Inputs of `longest` tokens that go together.
    pub fn inputs(&self, longest: usize) -> usize {
        (self.cap(longest) / longest.max(1)).max(1)
    }

    /// A batch of `padded_tokens` whose longest input has `longest` did not fit: from now on half of it has to do.
    pub fn halve(&mut self, longest: usize, padded_tokens: usize) {
        for cap in &mut self.caps[cell(longest)..] {
            *cap = (*cap).min(padded_tokens / 2).max(1);
        }
    }
}

fn cell(longest: usize) -> usize {
    let cell = (longest.max(1) as f64).ln() / STEP.ln();
    (cell as usize).min(CELLS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_did_not_fit_halves_its_cell_and_all_longer_ones() {
        let mut cells = Cells::new(4096);
        cells.halve(128, 4096);
        assert_eq!([16, 64, 128, 512].map(|longest| cells.cap(longest)), [4096, 4096, 2048, 2048]);
        cells.halve(512, 2048);
        assert_eq!([128, 512].map(|longest| cells.inputs(longest)), [16, 2]);
        for _ in 0..20 {
            let padded = cells.cap(512);
            cells.halve(512, padded);
        }
        assert_eq!(cells.inputs(512), 1, "one input is always tried");
    }

    #[test]
    fn every_length_has_a_cell() {
        let cells = Cells::new(512);
        assert!([0, 1, 2, 511, 512, 513, 1 << 20, usize::MAX].iter().all(|longest| cells.cap(*longest) >= 512));
    }
}
