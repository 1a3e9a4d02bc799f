//! How much a device takes at once, a cell for each length: what was offered, and what running out of memory taught.

use crate::bucket::Buckets;

/// Full batches in a row after which a cell that was cut is tried a little larger.
const REGROW_AFTER: u32 = 64;

/// Padded tokens that one model takes on one device, by bucket. Longer items need more memory a token, so no cell is
/// above that of a shorter length.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    offered: u32,
    caps: Box<[u32]>,
    full_in_a_row: u32,
}

impl Cells {
    pub(crate) fn new(offered: u32, buckets: usize) -> Self {
        Self { offered, caps: vec![offered; buckets].into_boxed_slice(), full_in_a_row: 0 }
    }

    /// The device offers something else than before; what was learnt stays, as far as it is lower.
    pub(crate) fn offer(&mut self, offered: u32) {
        let was = self.offered;
        self.offered = offered;
        for cap in &mut self.caps {
            *cap = if *cap == was { offered } else { (*cap).min(offered) };
        }
    }

    #[inline]
    pub(crate) fn cap(&self, bucket: usize) -> u32 {
        self.caps[bucket]
    }

    /// A batch of so many padded tokens was too much.
    pub(crate) fn too_much(&mut self, bucket: usize, padded_tokens: u32, buckets: &Buckets) {
        self.full_in_a_row = 0;
        let half = padded_tokens.min(self.caps[bucket]) / 2;
        for (longer, cap) in self.caps.iter_mut().enumerate().skip(bucket) {
            *cap = (*cap).min(half.max(buckets.edge(longer)));
        }
    }

    /// A batch of so many padded tokens went well.
    pub(crate) fn went_well(&mut self, bucket: usize, padded_tokens: u32) {
        let cap = self.caps[bucket];
        if cap == self.offered || u64::from(padded_tokens) * 10 < u64::from(cap) * 8 {
            return;
        }
        self.full_in_a_row += 1;
        if self.full_in_a_row >= REGROW_AFTER {
            self.full_in_a_row = 0;
            let larger = (cap + cap / 16 + 1).min(self.offered);
            for cap in &mut self.caps[..=bucket] {
                *cap = (*cap).max(larger);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn running_out_halves_the_cell_and_longer_ones_and_success_wins_it_back() {
        let buckets = Buckets::new(&Config::default());
        let (short, mid, long) = (buckets.of(40), buckets.of(128), buckets.of(512));
        let mut cells = Cells::new(16_384, buckets.count());
        cells.too_much(mid, 16_000, &buckets);
        assert_eq!((cells.cap(short), cells.cap(mid), cells.cap(long)), (16_384, 8_000, 8_000));
        for _ in 0..20 {
            cells.too_much(mid, 16_000, &buckets);
        }
        assert_eq!(cells.cap(mid), buckets.edge(mid), "one item may always be tried");
        for _ in 0..100 * REGROW_AFTER {
            cells.went_well(mid, cells.cap(mid));
        }
        assert_eq!(cells.cap(mid), 16_384);
        assert_eq!(cells.cap(long), 512, "longer items were never seen to fit");
    }

    #[test]
    fn only_full_batches_in_a_row_win_back_a_sixteenth_for_this_length_and_shorter_ones() {
        let buckets = Buckets::new(&Config::default());
        let (short, mid, long) = (buckets.of(40), buckets.of(128), buckets.of(512));
        let mut cells = Cells::new(16_384, buckets.count());
        cells.too_much(short, 16_000, &buckets);
        let caps = |cells: &Cells| [short, mid, long].map(|bucket| cells.cap(bucket));
        let full = |cells: &mut Cells, count: u32| (0..count).for_each(|_| cells.went_well(mid, 6_400));
        full(&mut cells, REGROW_AFTER - 1);
        cells.went_well(mid, 6_399);
        assert_eq!(caps(&cells), [8_000; 3], "one that isn't full tells nothing");
        cells.too_much(long, 16_000, &buckets);
        full(&mut cells, REGROW_AFTER - 1);
        assert_eq!(caps(&cells), [8_000, 8_000, 4_000], "a failure begins the count anew");
        full(&mut cells, 1);
        assert_eq!(caps(&cells), [8_501, 8_501, 4_000]);
        cells.went_well(short, 16_000);
        full(&mut cells, REGROW_AFTER - 1);
        assert_eq!(cells.cap(mid), 8_501, "and so does a win");
    }

    #[test]
    fn a_new_offer_keeps_what_was_learnt() {
        let buckets = Buckets::new(&Config::default());
        let mut cells = Cells::new(16_384, buckets.count());
        cells.too_much(buckets.of(512), 16_384, &buckets);
        cells.offer(32_768);
        assert_eq!((cells.cap(0), cells.cap(buckets.of(512))), (32_768, 8_192));
    }
}
