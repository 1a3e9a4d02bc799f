//! What is counted as right.

/// F1 of each label and their mean, from bits that hold and bits that are said to.
#[derive(Clone, Debug, PartialEq)]
pub struct F1 {
    /// By label.
    pub labels: Vec<f64>,
    /// Their mean.
    pub macro_f1: f64,
}

/// The labels that a row of probabilities says: those of at least one half, or the likeliest where none is.
pub fn said(row: &[f32]) -> u32 {
    let reached = row.iter().enumerate().filter(|(_, p)| **p >= 0.5).fold(0, |bits, (label, _)| bits | 1 << label);
    if reached != 0 {
        return reached;
    }
    // Of equal ones the first, as the scorers do.
    let best = row.iter().enumerate().fold(0, |best, (label, p)| if *p > row[best] { label } else { best });
    1 << best
}

/// Compares what holds with what is said, text by text.
pub fn f1(holds: &[u32], says: &[u32], labels: usize) -> F1 {
    let count = |bits: &mut dyn Iterator<Item = u32>, label: usize| bits.filter(|b| b >> label & 1 == 1).count();
    let each = |label: usize| {
        let right = count(&mut holds.iter().zip(says).map(|(h, s)| h & s), label);
        let both = count(&mut holds.iter().copied(), label) + count(&mut says.iter().copied(), label);
        if both == 0 { 0.0 } else { 2.0 * right as f64 / both as f64 }
    };
    let labels: Vec<f64> = (0..labels).map(each).collect();
    let macro_f1 = labels.iter().sum::<f64>() / labels.len().max(1) as f64;
    F1 { labels, macro_f1 }
}

/// The bits of `fold[label]` for each label that is set.
pub fn folded(bits: u32, fold: &[usize]) -> u32 {
    fold.iter().enumerate().filter(|(label, _)| bits >> label & 1 == 1).fold(0, |out, (_, into)| out | 1 << into)
}

/// Mean and the largest distance from it.
pub fn spread(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    (mean, values.iter().map(|value| (value - mean).abs()).fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_said_from_one_half_on_and_one_always_is() {
        assert_eq!(said(&[0.5, 0.49, 0.9]), 0b101);
        assert_eq!(said(&[0.1, 0.4, 0.4]), 0b010);
    }

    #[test]
    fn f1_is_the_harmonic_mean_a_label_and_their_mean_over_all() {
        let scored = f1(&[0b01, 0b11, 0b10], &[0b01, 0b01, 0b01], 2);
        assert_eq!(scored.labels, [0.8, 0.0]);
        assert!((scored.macro_f1 - 0.4).abs() < 1e-12);
        assert_eq!(folded(0b101, &[1, 0, 1]), 0b10);
        assert_eq!(spread(&[1.0, 2.0, 3.0]), (2.0, 1.0));
    }
}
