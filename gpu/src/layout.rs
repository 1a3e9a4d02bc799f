//! How the inputs of a batch lie in one matrix of hidden states, a row a token.

use domain::passage::PassageInput;
use tch::{Device, Kind, TchError, Tensor};

/// How inputs of unequal length share a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// One after the other, inputs of equal length together: no row is padding. Attention runs once a
    /// length, which costs a processor little.
    Exact,
    /// The same, with single tokens at the end up to a number of rows that others have too. For products in bfloat16
    /// libtorch compiles code for each number of rows and keeps it, a thousand times over, some 4 MB of it: memory
    /// would grow for a whole book.
    Stepped,
    /// All as long as the longest, in one block: attention runs once, which suits a GPU.
    Padded,
}

/// Inputs side by side that attention takes in one call.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) first_row: i64,
    pub(crate) count: i64,
    /// Rows of each.
    pub(crate) len: i64,
    /// `[count, 1, 1, len]`, true at tokens that are there; none where all are.
    pub(crate) mask: Option<Tensor>,
}

/// Which row of a batch's hidden states is which token: opaque, handed through to [`crate::Layer`].
#[derive(Debug)]
pub struct Layout {
    pub(crate) rows: i64,
    pub(crate) groups: Vec<Group>,
    /// Row of each input's first token, in the batch's order; its other tokens follow.
    starts: Vec<usize>,
    lens: Vec<usize>,
}

impl Layout {
    /// Places a batch whose inputs all have tokens. Masks go to `device`.
    pub(crate) fn new(batch: &[PassageInput], packing: Packing, device: Device) -> Result<Self, TchError> {
        let lens: Vec<usize> = batch.iter().map(|input| input.tokens.len()).collect();
        let mut layout = Self { rows: 0, groups: Vec::new(), starts: vec![0; lens.len()], lens };
        match packing {
            Packing::Exact => layout.place_exactly(),
            Packing::Stepped => {
                layout.place_exactly();
                layout.fill_up();
            }
            Packing::Padded => layout.place_padded(device)?,
        }
        Ok(layout)
    }

    fn place_exactly(&mut self) {
        let mut order: Vec<usize> = (0..self.lens.len()).collect();
        order.sort_by_key(|input| self.lens[*input]);
        for same in order.chunk_by(|a, b| self.lens[*a] == self.lens[*b]) {
            let len = self.lens[same[0]];
            let first_row = self.rows;
            for (i, input) in same.iter().enumerate() {
                self.starts[*input] = first_row as usize + i * len;
            }
            let (count, len) = (same.len() as i64, len as i64);
            self.groups.push(Group { first_row, count, len, mask: None });
            self.rows += count * len;
        }
    }

    /// Rows that are nobody's, each an input of its own: a 64th of them in the mean where there are many.
    fn fill_up(&mut self) {
        let step = if self.rows <= 512 { 16 } else { 32 };
        let count = (-self.rows).rem_euclid(step);
        if count > 0 {
            self.groups.push(Group { first_row: self.rows, count, len: 1, mask: None });
            self.rows += count;
        }
    }

    fn place_padded(&mut self, device: Device) -> Result<(), TchError> {
        let longest = self.lens.iter().copied().max().unwrap_or(0);
        let mut there = vec![false; self.lens.len() * longest];
        for (input, len) in self.lens.iter().enumerate() {
            self.starts[input] = input * longest;
            there[input * longest..input * longest + len].fill(true);
        }
        let (count, len) = (self.lens.len() as i64, longest as i64);
        let mask = match there.contains(&false) {
            true => Some(Tensor::f_from_slice(&there)?.f_view([count, 1, 1, len])?.f_to_device(device)?),
            false => None,
        };
        self.rows = count * len;
        self.groups = vec![Group { first_row: 0, count, len, mask }];
        Ok(())
    }

    /// Token ids and their positions by row, and zeros where a row is padding.
    pub(crate) fn ids_and_positions(&self, batch: &[PassageInput]) -> (Vec<i64>, Vec<i64>) {
        let rows = usize::try_from(self.rows).unwrap_or(0);
        let (mut ids, mut positions) = (vec![0; rows], vec![0; rows]);
        for (input, start) in batch.iter().zip(&self.starts) {
            for (at, token) in input.tokens.iter().enumerate() {
                ids[start + at] = i64::from(*token);
                positions[start + at] = at as i64;
            }
        }
        (ids, positions)
    }

    /// Inputs in the batch.
    pub(crate) fn inputs(&self) -> usize {
        self.starts.len()
    }

    /// Rows of an input's tokens from `start` to `end`.
    pub(crate) fn rows_of(&self, input: usize, (start, end): (usize, usize)) -> std::ops::Range<usize> {
        self.starts[input] + start..self.starts[input] + end
    }

    /// Tokens of an input.
    pub(crate) fn len_of(&self, input: usize) -> usize {
        self.lens[input]
    }
}

/// A tensor of numbers that index rows, on `device`.
pub(crate) fn indices(rows: &[i64], device: Device) -> Result<Tensor, TchError> {
    if rows.is_empty() {
        return Tensor::f_empty([0], (Kind::Int64, device));
    }
    let host = Tensor::f_from_slice(rows)?;
    match device {
        // From pinned memory the copy is queued behind what the GPU does, and this thread goes on. The allocator keeps
        // the memory until it is done.
        Device::Cuda(_) => host.f_pin_memory(device)?.f_to_dtype_layout((Kind::Int64, device), true, false),
        _ => Ok(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(lens: &[usize]) -> Vec<PassageInput> {
        lens.iter().map(|len| PassageInput { tokens: (0..*len as u32).collect(), spans: vec![] }).collect()
    }

    #[test]
    fn packed_exactly_no_row_is_padding_and_equal_lengths_lie_together() {
        let batch = batch(&[5, 2, 5, 3]);
        let layout = Layout::new(&batch, Packing::Exact, Device::Cpu).unwrap();
        assert_eq!(layout.rows, 15);
        let groups: Vec<_> = layout.groups.iter().map(|g| (g.first_row, g.count, g.len, g.mask.is_some())).collect();
        assert_eq!(groups, [(0, 1, 2, false), (2, 1, 3, false), (5, 2, 5, false)]);
        let (ids, positions) = layout.ids_and_positions(&batch);
        assert_eq!(ids, positions, "each input here counts from 0");
        assert_eq!(positions, [0, 1, 0, 1, 2, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
        assert_eq!(layout.rows_of(2, (1, 3)), 11..13);
    }

    #[test]
    fn stepped_the_last_rows_are_nobodys_and_few_numbers_of_rows_are_left() {
        let batch = batch(&[5, 2, 5, 3]);
        let layout = Layout::new(&batch, Packing::Stepped, Device::Cpu).unwrap();
        let last = layout.groups.last().unwrap();
        assert_eq!((layout.rows, layout.inputs()), (16, 4));
        assert_eq!((last.first_row, last.count, last.len), (15, 1, 1));
        assert_eq!(layout.ids_and_positions(&batch).0[15], 0);
        let rows = |len| Layout::new(&self::batch(&[len]), Packing::Stepped, Device::Cpu).unwrap().rows;
        assert_eq!([1, 16, 17, 500, 512, 513].map(rows), [16, 16, 32, 512, 512, 544]);
    }

    #[test]
    fn padded_all_inputs_are_as_long_as_the_longest_and_a_mask_says_what_is_there() {
        let batch = batch(&[1, 3]);
        let layout = Layout::new(&batch, Packing::Padded, Device::Cpu).unwrap();
        assert_eq!((layout.rows, layout.groups.len()), (6, 1));
        let mask = layout.groups[0].mask.as_ref().unwrap();
        let there: Vec<bool> = Vec::try_from(mask.view([-1])).unwrap();
        assert_eq!(there, [true, false, false, true, true, true]);
        assert_eq!(layout.rows_of(1, (0, 3)), 3..6);
        let even = Layout::new(&self::batch(&[4, 4]), Packing::Padded, Device::Cpu).unwrap();
        assert!(even.groups[0].mask.is_none());
    }
}
