//! Tenants with work in order of their counters: who is next in a bucket is found without looking at all of them.
//!
//! The order is cut into blocks, each of which knows the buckets that any of its tenants has items in. Whoever is next
//! in one bucket stands in the first block that knows it, and one walk along the blocks finds who is next in each. A
//! tenant that was served moves within one order, where a heap for each bucket would have it moved in all of them.

/// Most tenants in one block; a full one is halved for one more.
const BLOCK: usize = 16;

/// In place of a counter and slot.
pub(crate) const NOBODY: (u64, u32) = (u64::MAX, u32::MAX);

/// How a tenant stands: its counter, and a bit for each bucket in which it can be served. Without any it isn't ranked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rank {
    pub(crate) counter: u64,
    pub(crate) buckets: u64,
}

impl Rank {
    #[inline]
    pub(crate) fn is_ranked(&self) -> bool {
        self.buckets != 0
    }
}

/// How far a walk along the ranking has come, while nobody moves in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor {
    block: usize,
    place: usize,
}

/// A counter and slot in one word that compares as they do; no two tenants have the same.
fn key(counter: u64, slot: u32) -> u128 {
    u128::from(counter) << 32 | u128::from(slot)
}

fn parts(key: u128) -> (u64, u32) {
    ((key >> 32) as u64, key as u32)
}

/// A few tenants that follow one another; at least one.
#[derive(Clone, Debug)]
struct Block {
    /// All that its tenants have.
    buckets: u64,
    len: usize,
    /// In ascending order.
    keys: [u128; BLOCK],
    /// What each of them has.
    has: [u64; BLOCK],
}

impl Block {
    fn of(key: u128, buckets: u64) -> Self {
        let mut block = Self { buckets, len: 0, keys: [0; BLOCK], has: [0; BLOCK] };
        block.put(key, buckets);
        block
    }

    fn first(&self) -> u128 {
        self.keys[0]
    }

    fn sum(&mut self) {
        self.buckets = self.has[..self.len].iter().fold(0, |sum, has| sum | has);
    }

    fn place(&self, key: u128) -> usize {
        self.keys[..self.len].partition_point(|&other| other < key)
    }

    /// There is room for it.
    fn put(&mut self, key: u128, buckets: u64) {
        let place = self.place(key);
        self.keys.copy_within(place..self.len, place + 1);
        self.has.copy_within(place..self.len, place + 1);
        (self.keys[place], self.has[place]) = (key, buckets);
        self.len += 1;
    }

    /// It is in this block.
    fn take(&mut self, key: u128) {
        let place = self.place(key);
        self.keys.copy_within(place + 1..self.len, place);
        self.has.copy_within(place + 1..self.len, place);
        self.len -= 1;
    }

    /// Takes all from `place` on.
    fn split(&mut self, place: usize) -> Self {
        let mut second = self.clone();
        second.keys.copy_within(place..self.len, 0);
        second.has.copy_within(place..self.len, 0);
        second.len = self.len - place;
        self.len = place;
        self.sum();
        second.sum();
        second
    }

    fn each(&self) -> impl Iterator<Item = (u128, u64)> + '_ {
        self.keys[..self.len].iter().copied().zip(self.has[..self.len].iter().copied())
    }
}

/// Blocks that are made of tenants in order, with room for a few more in each.
struct Merged {
    blocks: Vec<Block>,
}

impl Merged {
    fn push(&mut self, key: u128, buckets: u64) {
        match self.blocks.last_mut() {
            Some(block) if block.len < BLOCK - BLOCK / 4 => {
                (block.keys[block.len], block.has[block.len]) = (key, buckets);
                block.len += 1;
                block.buckets |= buckets;
            }
            _ => self.blocks.push(Block::of(key, buckets)),
        }
    }
}

/// Tenants by counter, then by slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranking {
    blocks: Vec<Block>,
}

impl Ranking {
    /// A tenant stands otherwise than it did.
    pub(crate) fn update(&mut self, slot: u32, was: Rank, now: Rank) {
        if was == now {
            return;
        }
        let (from, to) = (key(was.counter, slot), key(now.counter, slot));
        match (was.is_ranked(), now.is_ranked()) {
            (true, true) => self.shift(from, to, now.buckets),
            (true, false) => self.remove(from),
            (false, true) => self.insert(to, now.buckets),
            (false, false) => {}
        }
    }

    /// Tenants that were found here, in this order, stand otherwise. Where there are many of them, they take one pass over
    /// the blocks between the first and the last place.
    pub(crate) fn replace(&mut self, found: &[(u64, u32)], now: &[(u32, Rank)]) {
        let (Some(&first), Some(&last)) = (found.first(), found.last()) else { return };
        let mut to = Vec::with_capacity(now.len());
        to.extend(now.iter().filter(|(_, rank)| rank.is_ranked()).map(|&(slot, r)| (key(r.counter, slot), r.buckets)));
        to.sort_unstable();
        let from = self.block_of(key(first.0, first.1).min(to.first().map_or(u128::MAX, |&(key, _)| key)));
        let until = self.block_of(key(last.0, last.1).max(to.last().map_or(0, |&(key, _)| key)));
        if until - from < found.len() {
            self.merge(from, until, found, &to);
        } else {
            found.iter().for_each(|&(counter, slot)| self.remove(key(counter, slot)));
            to.into_iter().for_each(|(key, buckets)| self.insert(key, buckets));
        }
    }

    /// Takes some out of these blocks and puts others in; both are in ascending order.
    fn merge(&mut self, from: usize, until: usize, gone: &[(u64, u32)], new: &[(u128, u64)]) {
        let blocks = &self.blocks[from..=until];
        let mut merged = Merged { blocks: Vec::with_capacity(2 * blocks.len()) };
        let (mut gone, mut new) = (gone.iter(), new.iter());
        let next = |gone: &mut std::slice::Iter<'_, (u64, u32)>| gone.next().map(|&(counter, slot)| key(counter, slot));
        let (mut next_gone, mut next_new) = (next(&mut gone), new.next());
        for (key, buckets) in blocks.iter().flat_map(Block::each) {
            if next_gone == Some(key) {
                next_gone = next(&mut gone);
                continue;
            }
            while let Some(&(earlier, buckets)) = next_new.filter(|&&(new, _)| new < key) {
                merged.push(earlier, buckets);
                next_new = new.next();
            }
            merged.push(key, buckets);
        }
        next_new.into_iter().chain(new).for_each(|&(key, buckets)| merged.push(key, buckets));
        self.blocks.splice(from..=until, merged.blocks);
    }

    /// The block in which this key is, or would be; there is one.
    fn block_of(&self, key: u128) -> usize {
        self.blocks.partition_point(|block| block.first() <= key).saturating_sub(1)
    }

    /// Moves a tenant, within its block if it may stay there.
    fn shift(&mut self, from: u128, to: u128, buckets: u64) {
        let at = self.block_of(from);
        let before_next = self.blocks.get(at + 1).is_none_or(|next| to < next.first());
        let block = &mut self.blocks[at];
        if before_next && (at == 0 || to >= block.first()) {
            block.take(from);
            block.put(to, buckets);
            block.sum();
        } else {
            self.remove(from);
            self.insert(to, buckets);
        }
    }

    fn insert(&mut self, key: u128, buckets: u64) {
        if self.blocks.is_empty() {
            self.blocks.push(Block::of(key, buckets));
            return;
        }
        let mut at = self.block_of(key);
        if self.blocks[at].len == BLOCK {
            let second = self.blocks[at].split(BLOCK / 2);
            let goes_there = key > second.first();
            self.blocks.insert(at + 1, second);
            at += usize::from(goes_there);
        }
        self.blocks[at].put(key, buckets);
        self.blocks[at].buckets |= buckets;
    }

    fn remove(&mut self, key: u128) {
        let at = self.block_of(key);
        self.blocks[at].take(key);
        if self.blocks[at].len == 0 {
            self.blocks.remove(at);
            return;
        }
        // Kept from falling to pieces: a few that stay behind don't keep their blocks.
        if self.blocks.get(at + 1).is_some_and(|next| self.blocks[at].len + next.len <= BLOCK / 2) {
            let next = self.blocks.remove(at + 1);
            for (key, buckets) in next.each() {
                self.blocks[at].put(key, buckets);
            }
        }
        self.blocks[at].sum();
    }

    /// The counter and slot of whoever comes next in this bucket after those that the cursor has passed.
    #[inline]
    pub(crate) fn next_in(&self, bucket: usize, cursor: &mut Cursor) -> Option<(u64, u32)> {
        let has = |buckets: u64| buckets >> bucket & 1 == 1;
        while let Some(block) = self.blocks.get(cursor.block) {
            if has(block.buckets) {
                while cursor.place < block.len {
                    let place = cursor.place;
                    cursor.place += 1;
                    if has(block.has[place]) {
                        return Some(parts(block.keys[place]));
                    }
                }
            }
            *cursor = Cursor { block: cursor.block + 1, place: 0 };
        }
        None
    }

    /// The counter and slot of whoever is next in each bucket; [`NOBODY`] where nobody has anything.
    pub(crate) fn tops(&self) -> [(u64, u32); 64] {
        let mut tops = [NOBODY; 64];
        let mut seen = 0;
        for block in &self.blocks {
            if block.buckets & !seen == 0 {
                continue;
            }
            for (key, buckets) in block.each() {
                let mut new = buckets & !seen;
                seen |= new;
                while new != 0 {
                    tops[new.trailing_zeros() as usize] = parts(key);
                    new &= new - 1;
                }
            }
        }
        tops
    }

    /// The least counter of all.
    pub(crate) fn floor(&self) -> Option<u64> {
        self.blocks.first().map(|block| parts(block.first()).0)
    }

    /// Everybody, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, Rank)> + '_ {
        self.blocks.iter().flat_map(Block::each).map(|(key, buckets)| {
            let (counter, slot) = parts(key);
            (slot, Rank { counter, buckets })
        })
    }

    /// Whether every block is in order, neither empty nor too full, and knows what its tenants have.
    pub(crate) fn is_sound(&self) -> bool {
        let keys: Vec<_> = self.blocks.iter().flat_map(Block::each).map(|(key, _)| key).collect();
        keys.is_sorted_by(|a, b| a < b)
            && self
                .blocks
                .iter()
                .all(|block| block.len > 0 && block.buckets == block.each().fold(0, |sum, (_, buckets)| sum | buckets))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// What the ranking says, found by looking at everybody.
    fn least_of_all(ranks: &BTreeMap<u32, Rank>, bucket: usize) -> Option<(u64, u32)> {
        let there = ranks.iter().filter(|(_, rank)| rank.buckets >> bucket & 1 == 1);
        there.map(|(&slot, rank)| (rank.counter, slot)).min()
    }

    #[test]
    fn whoever_is_next_in_a_bucket_is_found_whatever_moved() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        let mut draw = move |below: u64| {
            bits ^= bits << 13;
            bits ^= bits >> 7;
            bits ^= bits << 17;
            bits % below
        };
        let (mut ranking, mut ranks) = (Ranking::default(), BTreeMap::<u32, Rank>::new());
        for round in 0..20_000 {
            let tenants = if round < 10_000 { 300 } else { 20 };
            let moves = 1 + draw(if round % 20 == 0 { 80 } else { 2 });
            let slots: std::collections::BTreeSet<u32> = (0..moves).map(|_| draw(tenants) as u32).collect();
            let mut found: Vec<(u64, u32)> = Vec::new();
            let mut stand = Vec::new();
            for slot in slots {
                let was = ranks.get(&slot).copied().unwrap_or_default();
                let counter = if draw(8) == 0 { draw(1_000) } else { was.counter + draw(50) };
                let buckets = if draw(10) == 0 { 0 } else { draw(64) };
                let now = Rank { counter, buckets };
                ranks.insert(slot, now);
                if moves == 1 || was.buckets == 0 {
                    ranking.update(slot, was, now);
                } else {
                    found.push((was.counter, slot));
                    stand.push((slot, now));
                }
            }
            found.sort_unstable();
            ranking.replace(&found, &stand);
            let bucket = draw(6) as usize;
            let has = |rank: &Rank| rank.buckets >> bucket & 1 == 1;
            let mut there: Vec<_> =
                ranks.iter().filter(|(_, rank)| has(rank)).map(|(&slot, rank)| (rank.counter, slot)).collect();
            there.sort_unstable();
            let mut cursor = Cursor::default();
            assert_eq!(std::iter::from_fn(|| ranking.next_in(bucket, &mut cursor)).collect::<Vec<_>>(), there);
            if round % 100 == 0 {
                assert!(ranking.is_sound());
                for (bucket, top) in ranking.tops().into_iter().enumerate() {
                    assert_eq!(top, least_of_all(&ranks, bucket).unwrap_or(NOBODY));
                }
                assert_eq!(
                    ranking.floor(),
                    ranks.values().filter(|rank| rank.buckets != 0).map(|rank| rank.counter).min()
                );
                assert_eq!(ranking.iter().count(), ranks.values().filter(|rank| rank.buckets != 0).count());
            }
        }
    }
}
