//! Items of about the same length share a bucket, so that a batch of them pads little.

use crate::config::Config;

/// Edges are multiples of this.
const EDGE_MULTIPLE: u32 = 8;

/// Buckets are numbered in the bits of a `u64`.
const MOST_BUCKETS: usize = 64;

/// Upper edges of the buckets, and the bucket of every length by table.
#[derive(Clone, Debug)]
pub(crate) struct Buckets {
    edges: Vec<u32>,
    of_len: Vec<u8>,
    pad_multiple: u32,
}

impl Buckets {
    pub(crate) fn new(config: &Config) -> Self {
        let longest = config.max_item_tokens;
        let mut growth = config.bucket_growth;
        let mut edges = Self::edges(longest, growth);
        while edges.len() > MOST_BUCKETS {
            growth *= 1.05;
            edges = Self::edges(longest, growth);
        }
        let mut bucket = 0;
        let of_len = (0..=longest)
            .map(|len| {
                if edges[bucket] < len {
                    bucket += 1;
                }
                bucket as u8
            })
            .collect();
        Self { edges, of_len, pad_multiple: config.pad_multiple }
    }

    fn edges(longest: u32, growth: f64) -> Vec<u32> {
        let mut edges = Vec::new();
        let mut edge = f64::from(EDGE_MULTIPLE);
        while edge < f64::from(longest) {
            let rounded = (edge.ceil() as u32).next_multiple_of(EDGE_MULTIPLE);
            if rounded < longest && edges.last() != Some(&rounded) {
                edges.push(rounded);
            }
            edge = (edge * growth).max(edge + f64::from(EDGE_MULTIPLE));
        }
        edges.push(longest);
        edges
    }

    pub(crate) fn count(&self) -> usize {
        self.edges.len()
    }

    #[inline]
    pub(crate) fn edge(&self, bucket: usize) -> u32 {
        self.edges[bucket]
    }

    /// The bucket of items of `tokens`, which is at most the longest edge.
    #[inline]
    pub(crate) fn of(&self, tokens: u32) -> usize {
        usize::from(self.of_len[tokens as usize])
    }

    /// The length that a batch whose longest item has `tokens` is padded to.
    #[inline]
    pub(crate) fn padded(&self, tokens: u32) -> u32 {
        let longest = self.edges[self.edges.len() - 1];
        tokens.next_multiple_of(self.pad_multiple).min(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_buckets_are_as_many_as_documented() {
        assert_eq!(Buckets::new(&Config::default()).count(), 37);
    }

    #[test]
    fn every_length_lies_within_its_bucket() {
        for (longest, growth) in [(512, 1.125), (512, 1.02), (510, 1.3), (65_535, 1.02), (8, 2.0)] {
            let buckets =
                Buckets::new(&Config { max_item_tokens: longest, bucket_growth: growth, ..Config::default() });
            assert!(buckets.count() <= MOST_BUCKETS);
            for len in 1..=longest {
                let bucket = buckets.of(len);
                assert!(len <= buckets.edge(bucket));
                assert!(bucket == 0 || len > buckets.edge(bucket - 1));
                assert_eq!(buckets.padded(len), len);
            }
        }
    }
}
