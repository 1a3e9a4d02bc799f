//! Which inputs go together, for callers that have them all at hand. In runs the scheduler decides.

/// Batches, as places in `lengths`: longest first, each at most `budget_tokens` counted as length of its
/// longest × inputs, or one input.
pub fn batches(lengths: &[usize], budget_tokens: usize) -> Vec<Vec<usize>> {
    let mut places: Vec<usize> = (0..lengths.len()).collect();
    // Stable, so that equal inputs keep their order.
    places.sort_by_key(|place| std::cmp::Reverse(lengths[*place]));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut longest = 0;
    for place in places {
        match batches.last_mut() {
            Some(batch) if (batch.len() + 1) * longest <= budget_tokens => batch.push(place),
            _ => {
                longest = lengths[place];
                batches.push(vec![place]);
            }
        }
    }
    batches
}

/// Share of a padded batch that is padding, over all batches.
pub fn padding(lengths: &[usize], batches: &[Vec<usize>]) -> f64 {
    let longest = |batch: &Vec<usize>| batch.iter().map(|place| lengths[*place]).max().unwrap_or(0);
    let padded: usize = batches.iter().map(|batch| longest(batch) * batch.len()).sum();
    let real: usize = batches.iter().flatten().map(|place| lengths[*place]).sum();
    if padded == 0 { 0.0 } else { 1.0 - real as f64 / padded as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_stands_in_one_batch_and_none_is_above_the_budget_unless_alone() {
        let lengths: Vec<usize> = (0..500).map(|i| 1 + (i * 7919) % 400).collect();
        let batches = batches(&lengths, 1024);
        let mut seen: Vec<usize> = batches.concat();
        seen.sort_unstable();
        assert_eq!(seen, (0..500).collect::<Vec<_>>());
        for batch in &batches {
            let longest = batch.iter().map(|place| lengths[*place]).max().unwrap();
            assert!(batch.len() == 1 || longest * batch.len() <= 1024);
        }
        assert!(padding(&lengths, &batches) < 0.05, "{}", padding(&lengths, &batches));
        assert_eq!(super::batches(&[900, 3], 512), [[0], [1]]);
        assert_eq!(padding(&[], &[]), 0.0);
    }
}
