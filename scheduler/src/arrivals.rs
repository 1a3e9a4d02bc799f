//! A tenant's items by arrival: who is oldest, however many later ones have left.

use std::collections::VecDeque;

use crate::arena::Handle;

const BITS: u64 = u64::BITS as u64;

/// Items by number, with a bit for each that is still queued: the oldest is the first bit that is set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrivals {
    /// Number of the first bit; a multiple of 64.
    base: u64,
    /// The first word is not 0 unless nothing is queued.
    words: VecDeque<u64>,
    handles: VecDeque<Handle>,
}

impl Arrivals {
    /// Number of the next item.
    pub(crate) fn next_seq(&self) -> u64 {
        self.base + self.handles.len() as u64
    }

    /// Numbers that are kept, of items queued and gone.
    pub(crate) fn span(&self) -> usize {
        self.handles.len()
    }

    pub(crate) fn push(&mut self, handle: Handle) -> u64 {
        let seq = self.next_seq();
        if seq.is_multiple_of(BITS) {
            self.words.push_back(0);
        }
        if let Some(last) = self.words.back_mut() {
            *last |= 1 << (seq % BITS);
        }
        self.handles.push_back(handle);
        self.forget_gone();
        seq
    }

    /// Leaves out so many numbers.
    pub(crate) fn skip(&mut self, count: u64) {
        for _ in 0..count {
            if self.next_seq().is_multiple_of(BITS) {
                self.words.push_back(0);
            }
            self.handles.push_back(Handle::MAX);
        }
    }

    #[inline]
    pub(crate) fn holds(&self, seq: u64) -> bool {
        seq >= self.base
            && self.words.get(((seq - self.base) / BITS) as usize).is_some_and(|word| word >> (seq % BITS) & 1 == 1)
    }

    /// An item is queued no more. When the last of some have been removed, [`forget_gone`](Self::forget_gone) follows.
    #[inline]
    pub(crate) fn remove(&mut self, seq: u64) {
        if let Some(word) = self.words.get_mut(((seq - self.base) / BITS) as usize) {
            *word &= !(1 << (seq % BITS));
        }
    }

    /// Puts the oldest one first.
    #[inline]
    pub(crate) fn forget_gone(&mut self) {
        while self.words.len() > 1 && self.words.front() == Some(&0) {
            self.words.pop_front();
            self.handles.drain(..BITS as usize);
            self.base += BITS;
        }
    }

    /// No queued item has a number below this; the oldest one's is less than 64 above it.
    #[inline]
    pub(crate) fn first_seq(&self) -> u64 {
        self.base
    }

    /// The number of the oldest item that is queued.
    #[inline]
    pub(crate) fn oldest_seq(&self) -> Option<u64> {
        let word = *self.words.front()?;
        (word != 0).then(|| self.base + u64::from(word.trailing_zeros()))
    }

    /// The oldest item that is queued.
    pub(crate) fn oldest(&self) -> Option<Handle> {
        self.oldest_seq().map(|seq| self.handles[(seq - self.base) as usize])
    }

    /// Oldest first, with their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, Handle)> + '_ {
        self.words.iter().enumerate().flat_map(move |(at, &word)| {
            let first = at as u64 * BITS;
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = u64::from(left.trailing_zeros());
                (left != 0).then(|| {
                    left &= left - 1;
                    (self.base + first + bit, self.handles[(first + bit) as usize])
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_known_whatever_left() {
        let mut arrivals = Arrivals::default();
        for handle in 0..1_000 {
            assert_eq!(arrivals.push(handle), u64::from(handle));
        }
        for seq in (0..1_000).filter(|seq| seq % 100 != 77) {
            arrivals.remove(seq);
            arrivals.forget_gone();
            assert!(!arrivals.holds(seq));
        }
        assert_eq!(arrivals.oldest(), Some(77));
        assert_eq!(arrivals.span(), 1_000 - 64, "what left at the front is forgotten");
        let left: Vec<u64> = arrivals.iter().map(|(seq, _)| seq).collect();
        assert_eq!(left, (0..10).map(|n| 77 + 100 * n).collect::<Vec<_>>());
        left.into_iter().for_each(|seq| arrivals.remove(seq));
        arrivals.forget_gone();
        assert_eq!(arrivals.oldest(), None);
        assert_eq!(arrivals.push(5), 1_000);
        assert_eq!((arrivals.oldest_seq(), arrivals.oldest()), (Some(1_000), Some(5)));
        assert!(arrivals.span() <= 64);
    }

    #[test]
    fn numbers_can_be_left_out() {
        let mut arrivals = Arrivals::default();
        arrivals.push(1);
        arrivals.skip(200);
        assert_eq!(arrivals.push(2), 201);
        assert_eq!(arrivals.iter().collect::<Vec<_>>(), [(0, 1), (201, 2)]);
        arrivals.remove(0);
        arrivals.forget_gone();
        assert_eq!((arrivals.oldest_seq(), arrivals.oldest()), (Some(201), Some(2)));
    }
}
