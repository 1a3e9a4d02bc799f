//! From scores to figures.

use anyhow::Result;

use crate::calibrate::Calibration;
use crate::data::{EKMAN, Emotions, PLUTCHIK};
use crate::emotion::{Bench, GOEMOTIONS};
use crate::fit::predict;
use crate::metrics::{F1, f1, folded, said};
use crate::net::Net;

/// GoEmotions' 28 labels and Ekman's groups on dev, the points of decision found on lines held out of train.
///
/// # Errors
/// libtorch's own.
pub fn goemotions(bench: &Bench, net: &Net) -> Result<(Calibration, F1, F1)> {
    let count = bench.data.names.len();
    let held = predict(net, &bench.train, &bench.held, GOEMOTIONS)?;
    let truth: Vec<u32> = bench.held.iter().map(|place| bench.data.train.labels[*place]).collect();
    let calibration = Calibration::fit(&held, &truth, count);
    let all: Vec<usize> = (0..bench.dev.len()).collect();
    let rows = calibration.apply(&predict(net, &bench.dev, &all, GOEMOTIONS)?);
    let (fine, coarse) = score_goemotions(&bench.data, &rows)?;
    Ok((calibration, fine, coarse))
}

/// Both figures from probabilities of dev's texts.
///
/// # Errors
/// Where a label folds into none of Ekman's.
pub fn score_goemotions(data: &Emotions, rows: &[Vec<f32>]) -> Result<(F1, F1)> {
    let says: Vec<u32> = rows.iter().map(|row| said(row)).collect();
    let fold = data.ekman()?;
    let ekman = |bits: &[u32]| bits.iter().map(|bits| folded(*bits, &fold)).collect::<Vec<_>>();
    let fine = f1(&data.dev.labels, &says, data.names.len());
    Ok((fine, f1(&ekman(&data.dev.labels), &ekman(&says), EKMAN.len())))
}

/// The French lines from scores that were each made without a line's fold; each fold is decided by points that were
/// found on the others.
pub fn french(bench: &Bench, scores: &[Vec<f32>]) -> F1 {
    let holds = &bench.data.french.labels;
    let mut says = vec![0; scores.len()];
    for fold in 0..=bench.folds.iter().copied().max().unwrap_or(0) {
        let (inside, outside): (Vec<usize>, Vec<usize>) = (0..scores.len()).partition(|at| bench.folds[*at] == fold);
        let rows: Vec<Vec<f32>> = outside.iter().map(|at| scores[*at].clone()).collect();
        let truth: Vec<u32> = outside.iter().map(|at| holds[*at]).collect();
        let calibration = Calibration::fit(&rows, &truth, PLUTCHIK.len());
        for at in inside {
            says[at] = said(&calibration.apply(&scores[at..=at])[0]);
        }
    }
    f1(holds, &says, PLUTCHIK.len())
}
