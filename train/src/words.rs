//! Numbers for grams: a linear support vector machine for each label on TF-IDF of pieces and neighbouring pairs.

use std::collections::{BTreeMap, HashMap};

use gpu::grams::{Gram, Grams, grams};

use crate::rng::Rng;

/// Texts that a gram must stand in to be known.
const LEAST_TEXTS: usize = 2;
/// Most passes over all texts.
const PASSES: usize = 50;
/// Violation of the optimum below which it is reached.
const NEAR: f64 = 0.02;

/// A machine for each label, as [`Grams`] reads them.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// The grams that are known.
    pub grams: Vec<Gram>,
    /// How rare each is.
    pub rarity: Vec<f32>,
    /// By gram and label.
    pub weight: Vec<f32>,
    labels: usize,
}

/// Known grams of a text by row, and their shares.
type Sparse = Vec<(usize, f64)>;

impl Words {
    /// Machines for texts of these pieces, bits of labels and weights. `cost` is what a text on the wrong side costs
    /// against the length of a row; texts with a label and without cost as much together.
    pub fn fit(pieces: &[&[u32]], bits: &[u32], weights: &[f32], labels: usize, cost: f64) -> Self {
        let mut count: BTreeMap<Gram, usize> = BTreeMap::new();
        pieces.iter().flat_map(|pieces| grams(pieces)).for_each(|gram| *count.entry(gram).or_default() += 1);
        count.retain(|_, texts| *texts >= LEAST_TEXTS);
        let texts = pieces.len() as f64;
        let known: Vec<Gram> = count.keys().copied().collect();
        let rarity: Vec<f32> =
            count.values().map(|n| (((1.0 + texts) / (1.0 + *n as f64)).ln() + 1.0) as f32).collect();
        let places: HashMap<Gram, usize> = known.iter().enumerate().map(|(place, gram)| (*gram, place)).collect();
        let rows: Vec<Sparse> = pieces.iter().map(|pieces| sparse(pieces, &places, &rarity)).collect();
        let mut weight = vec![0f32; known.len() * labels];
        for label in 0..labels {
            let machine = machine(&rows, bits, weights, label, cost, known.len());
            machine.iter().enumerate().for_each(|(gram, number)| weight[gram * labels + label] = *number as f32);
        }
        Self { grams: known, rarity, weight, labels }
    }

    /// All numbers times `by`.
    pub fn times(mut self, by: f32) -> Self {
        self.weight.iter_mut().for_each(|number| *number *= by);
        self
    }

    /// As the product reads them.
    pub fn table(&self) -> Option<Grams> {
        Grams::new(&self.grams, self.rarity.clone(), self.weight.clone(), self.labels)
    }
}

fn sparse(pieces: &[u32], places: &HashMap<Gram, usize>, rarity: &[f32]) -> Sparse {
    let known: Vec<usize> = grams(pieces).iter().filter_map(|gram| places.get(gram).copied()).collect();
    let length = known.iter().map(|place| f64::from(rarity[*place]).powi(2)).sum::<f64>().sqrt();
    known.into_iter().map(|place| (place, f64::from(rarity[place]) / length.max(1e-12))).collect()
}

/// The machine of one label: squared hinge loss by dual coordinate descent (Hsieh and others, "A dual coordinate
/// descent method for large-scale linear SVM", ICML 2008, algorithm 1).
fn machine(rows: &[Sparse], bits: &[u32], weights: &[f32], label: usize, cost: f64, known: usize) -> Vec<f64> {
    let side = |text: usize| if bits[text] >> label & 1 == 1 { 1.0 } else { -1.0 };
    let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    let with: f64 = (0..rows.len()).filter(|text| side(*text) > 0.0).map(|text| f64::from(weights[text])).sum();
    let share = |text: usize| total / 2.0 / if side(text) > 0.0 { with.max(1.0) } else { (total - with).max(1.0) };
    // The last number is a bias, which whoever adds scores up has one of already.
    let mut numbers = vec![0f64; known + 1];
    let mut duals = vec![0f64; rows.len()];
    let mut order: Vec<usize> = (0..rows.len()).filter(|text| weights[*text] > 0.0).collect();
    let mut rng = Rng::new(0, "machine");
    for _ in 0..PASSES {
        rng.shuffle(&mut order);
        let mut furthest = 0f64;
        for text in &order {
            let (row, y) = (&rows[*text], side(*text));
            let slack = 1.0 / (2.0 * cost * share(*text) * f64::from(weights[*text]));
            let said = row.iter().map(|(gram, share)| numbers[*gram] * share).sum::<f64>() + numbers[known];
            let gradient = y * said - 1.0 + slack * duals[*text];
            let pull = if duals[*text] == 0.0 { gradient.min(0.0) } else { gradient };
            furthest = furthest.max(pull.abs());
            if pull == 0.0 {
                continue;
            }
            let square = row.iter().map(|(_, share)| share * share).sum::<f64>() + 1.0;
            let dual = (duals[*text] - gradient / (square + slack)).max(0.0);
            let step = (dual - duals[*text]) * y;
            duals[*text] = dual;
            row.iter().for_each(|(gram, share)| numbers[*gram] += step * share);
            numbers[known] += step;
        }
        if furthest < NEAR {
            break;
        }
    }
    numbers.truncate(known);
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_goes_with_a_label_speaks_for_it_and_others_do_not() {
        let texts: Vec<Vec<u32>> = (0..200).map(|i| vec![10 + i % 7, 3 + i % 2, 20 + i % 5]).collect();
        let pieces: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let bits: Vec<u32> = (0..200).map(|i| i % 2).collect();
        let words = Words::fit(&pieces, &bits, &[1.0; 200], 1, 1.0);
        let table = words.table().unwrap();
        let score = |pieces: &[u32]| {
            let mut score = [0.0];
            table.add(pieces, &mut score);
            score[0]
        };
        assert!(score(&[4]) > 0.1 && score(&[3]) < -0.1);
        assert!(score(&[4]) - score(&[3]) > 5.0 * (score(&[12]) - score(&[13])).abs());
        assert_eq!(words.clone().times(2.0).weight[0], 2.0 * words.weight[0]);
    }
}
