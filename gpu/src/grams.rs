//! Words beside states: what single pieces and neighbouring pairs of a text add to a head's scores.
//!
//! A few hundred numbers a text can't hold every word, and where labelled texts are few the layers do not learn
//! which words matter. Each known gram has a rarity and a number for each label; a text's are added up, each weighed
//! by its rarity, over the length of all rarities: TF-IDF with each gram counted once.

use std::collections::{BTreeSet, HashMap};

/// A piece of a text, or two that follow one another.
pub type Gram = (u32, Option<u32>);

/// All grams of these pieces, each once, in order.
pub fn grams(pieces: &[u32]) -> BTreeSet<Gram> {
    let pairs = pieces.windows(2).map(|pair| (pair[0], Some(pair[1])));
    pieces.iter().map(|piece| (*piece, None)).chain(pairs).collect()
}

/// Numbers of the grams that a head knows.
#[derive(Debug)]
pub struct Grams {
    rows: HashMap<Gram, usize>,
    /// By row.
    rarity: Vec<f32>,
    /// By row and label.
    weight: Vec<f32>,
    labels: usize,
}

impl Grams {
    /// A row for each gram: its rarity, and a number for each of `labels` labels. `None` where they differ in number.
    pub fn new(grams: &[Gram], rarity: Vec<f32>, weight: Vec<f32>, labels: usize) -> Option<Self> {
        let fit = grams.len() == rarity.len() && grams.len() * labels == weight.len();
        let rows = grams.iter().enumerate().map(|(row, gram)| (*gram, row)).collect();
        fit.then_some(Self { rows, rarity, weight, labels })
    }

    /// What the grams of these pieces add to each label's score.
    pub fn add(&self, pieces: &[u32], scores: &mut [f32]) {
        let known: Vec<usize> = grams(pieces).iter().filter_map(|gram| self.rows.get(gram).copied()).collect();
        let length = known.iter().map(|row| self.rarity[*row].powi(2)).sum::<f32>().sqrt();
        for row in known {
            let share = self.rarity[row] / length.max(f32::MIN_POSITIVE);
            let numbers = &self.weight[row * self.labels..(row + 1) * self.labels];
            scores.iter_mut().zip(numbers).for_each(|(score, number)| *score += share * number);
        }
    }

    /// Bytes of all numbers.
    pub fn bytes(&self) -> u64 {
        let row = size_of::<(Gram, usize)>() + size_of::<f32>() * (1 + self.labels);
        (self.rows.len() * row) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gram_counts_once_and_unknown_ones_not_at_all() {
        let known = [(1, None), (2, None), (1, Some(2))];
        let table = Grams::new(&known, vec![3.0, 4.0, 0.0], vec![1.0, 0.0, 0.0, 10.0, 5.0, 5.0], 2).unwrap();
        let scores = |pieces: &[u32]| {
            let mut scores = [0.0; 2];
            table.add(pieces, &mut scores);
            scores
        };
        assert_eq!(scores(&[]), [0.0, 0.0]);
        assert_eq!(scores(&[9, 9]), [0.0, 0.0]);
        assert_eq!(scores(&[1, 1, 9]), [1.0, 0.0]);
        assert_eq!(scores(&[1, 2]), [0.6, 8.0]);
        assert_eq!(scores(&[2, 1]), scores(&[1, 2]), "a pair without rarity adds nothing");
        assert!(Grams::new(&known, vec![1.0], vec![], 2).is_none());
    }
}
