//! Which English film lines are the source of which French ones.
//!
//! XED's French labels were carried over from English lines, and the files do not say from which. A line's source has
//! its labels, and lies near it in the encoder's space: whoever shares the labels and is among the nearest is taken
//! for a source, as is whoever is very near. That errs on the side of taking too many.

use std::collections::BTreeSet;

use anyhow::Result;
use tch::Tensor;

use crate::data::Labelled;

/// How many of the nearest are looked at.
const NEAREST: i64 = 20;
/// Cosine from which a line is a source whatever its labels: in this encoder's space unrelated lines are near 0.8.
const SAME: f64 = 0.92;

/// For each French line the English lines that it may come from.
///
/// # Errors
/// libtorch's own.
pub fn find(french: (&Labelled, &Tensor), english: (&Labelled, &Tensor)) -> Result<Vec<BTreeSet<usize>>> {
    let _no_grad = tch::no_grad_guard();
    let cosines = french.1.f_matmul(&english.1.f_tr()?)?;
    let (near, places) = cosines.f_topk(NEAREST.min(english.0.len() as i64), 1, true, true)?;
    let (near, places) =
        (Vec::<Vec<f64>>::try_from(near.f_to_kind(tch::Kind::Double)?)?, Vec::<Vec<i64>>::try_from(places)?);
    let sources = near.iter().zip(&places).zip(&french.0.labels).map(|((near, places), bits)| {
        let same = |(cosine, place): &(&f64, &i64)| **cosine >= SAME || english.0.labels[**place as usize] == *bits;
        near.iter().zip(places).filter(same).map(|(_, place)| *place as usize).collect()
    });
    Ok(sources.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_near_and_has_the_labels_or_is_very_near() {
        let lines = |labels: &[u32]| Labelled { texts: vec![String::new(); labels.len()], labels: labels.to_vec() };
        // Angles of 25, 10 and 80 degrees from the French line.
        let at = |degrees: f64| [degrees.to_radians().cos() as f32, degrees.to_radians().sin() as f32];
        let rows = |degrees: &[f64]| {
            let all: Vec<f32> = degrees.iter().flat_map(|degrees| at(*degrees)).collect();
            Tensor::from_slice(&all).view([degrees.len() as i64, 2])
        };
        let (french, english) = (lines(&[0b11]), lines(&[0b11, 0b100, 0b1]));
        let (of_french, of_english) = (rows(&[0.0]), rows(&[25.0, 10.0, 80.0]));
        let found = find((&french, &of_french), (&english, &of_english)).unwrap();
        assert_eq!(found, [BTreeSet::from([0, 1])]);
    }
}
