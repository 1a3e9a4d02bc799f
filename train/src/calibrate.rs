//! One half as the point of decision: a scale and a shift for each label, found on texts that were not learnt from.

use crate::metrics::{f1, said};

/// What is done to a label's score: `scale · score + shift`.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// By label.
    pub scale: Vec<f32>,
    /// By label.
    pub shift: Vec<f32>,
}

/// Texts in which a label is never worth a point of decision of its own: so many are added, spread as all labels
/// together say.
const PRIOR_TEXTS: f64 = 20.0;
/// Points of decision that are tried for a label.
const TRIED: usize = 60;
/// Share of the best F1 from which a point is as good.
const PLATEAU: f64 = 0.985;
/// Times each label's point is moved while the others stand.
const ROUNDS: usize = 3;

impl Calibration {
    /// Nothing is changed.
    pub fn none(labels: usize) -> Self {
        Self { scale: vec![1.0; labels], shift: vec![0.0; labels] }
    }

    /// Finds the points of decision with the best F1 on `scores` of texts whose labels are `holds`.
    pub fn fit(scores: &[Vec<f32>], holds: &[u32], labels: usize) -> Self {
        let slopes: Vec<(f32, f32)> = (0..labels).map(|label| platt(scores, holds, label)).collect();
        // From here on scores are log odds.
        let odds: Vec<Vec<f32>> = scores
            .iter()
            .map(|row| row.iter().zip(&slopes).map(|(score, (scale, shift))| scale * score + shift).collect())
            .collect();
        let shared = shared_point(&odds, holds, labels);
        let points: Vec<f32> = (0..labels).map(|label| own_point(&odds, holds, label, shared)).collect();
        let points = settle(&odds, holds, points);
        Self {
            scale: slopes.iter().map(|(scale, _)| *scale).collect(),
            shift: slopes.iter().zip(&points).map(|((_, shift), point)| shift - point).collect(),
        }
    }

    /// Probabilities of which one half decides.
    pub fn apply(&self, scores: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let one = |(label, score): (usize, &f32)| sigmoid(self.scale[label] * score + self.shift[label]);
        scores.iter().map(|row| row.iter().enumerate().map(one).collect()).collect()
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Scale and shift with which a label's scores are its log odds (Platt, "Probabilistic outputs for support vector
/// machines", 1999), by Newton's method with a little pull towards leaving scores as they are.
fn platt(scores: &[Vec<f32>], holds: &[u32], label: usize) -> (f32, f32) {
    const PULL: f64 = 1.0;
    let (mut scale, mut shift) = (1.0f64, 0.0f64);
    for _ in 0..30 {
        let (mut g0, mut g1) = (PULL * (scale - 1.0), 0.0);
        let (mut h00, mut h01, mut h11) = (PULL, 0.0, 1e-9);
        for (row, bits) in scores.iter().zip(holds) {
            let score = f64::from(row[label]);
            let p = 1.0 / (1.0 + (-(scale * score + shift)).exp());
            let (error, spread) = (p - f64::from(bits >> label & 1), p * (1.0 - p));
            (g0, g1) = (g0 + error * score, g1 + error);
            (h00, h01, h11) = (h00 + spread * score * score, h01 + spread * score, h11 + spread);
        }
        let det = h00 * h11 - h01 * h01;
        if det <= 1e-12 {
            break;
        }
        let (d0, d1) = ((h11 * g0 - h01 * g1) / det, (h00 * g1 - h01 * g0) / det);
        // Far steps are cut: the loss is convex, but not quadratic.
        (scale, shift) = (scale - d0.clamp(-1.0, 1.0), shift - d1.clamp(-2.0, 2.0));
        if d0.abs() + d1.abs() < 1e-7 {
            break;
        }
    }
    // A label whose score says nothing must not be turned round by chance.
    (scale.clamp(0.2, 3.0) as f32, shift as f32)
}

fn candidates() -> impl Iterator<Item = f32> {
    (0..TRIED).map(|i| -4.0 + 5.0 * i as f32 / (TRIED - 1) as f32)
}

/// Right, missed or wrong: what F1 at a point is made of.
fn counts(odds: &[Vec<f32>], holds: &[u32], label: usize, point: f32) -> (f64, f64) {
    let (mut right, mut both) = (0.0, 0.0);
    for (row, bits) in odds.iter().zip(holds) {
        let (holds, says) = (f64::from(bits >> label & 1), f64::from(u8::from(row[label] >= point)));
        right += holds * says;
        both += holds + says;
    }
    (right, both)
}

/// The one point with the best macro F1 if all labels had it.
fn shared_point(odds: &[Vec<f32>], holds: &[u32], labels: usize) -> f32 {
    let quality = |point: f32| {
        let each = (0..labels).map(|label| {
            let (right, both) = counts(odds, holds, label, point);
            if both > 0.0 { 2.0 * right / both } else { 0.0 }
        });
        each.sum::<f64>()
    };
    best(candidates().map(|point| (point, quality(point))))
}

/// A label's own point; the rarer it is, the nearer to the shared one.
fn own_point(odds: &[Vec<f32>], holds: &[u32], label: usize, shared: f32) -> f32 {
    let with = holds.iter().filter(|bits| **bits >> label & 1 == 1).count() as f64;
    let tried: Vec<(f32, f64)> = candidates()
        .map(|point| {
            let (right, both) = counts(odds, holds, label, point);
            (point, if both > 0.0 { 2.0 * right / both } else { 0.0 })
        })
        .collect();
    // F1 is ragged on few texts: the middle of all points that are nearly the best holds better than the best.
    let top = tried.iter().map(|(_, quality)| *quality).fold(0.0, f64::max);
    let near: Vec<f32> =
        tried.iter().filter(|(_, quality)| *quality >= top * PLATEAU).map(|(point, _)| *point).collect();
    let own = near.iter().sum::<f32>() / near.len().max(1) as f32;
    let trust = (with / (with + PRIOR_TEXTS)) as f32;
    shared + trust * (own - shared)
}

/// Moves each label's point a little while the others stand: which label is said where none reaches its point hangs
/// on all of them.
fn settle(odds: &[Vec<f32>], holds: &[u32], mut points: Vec<f32>) -> Vec<f32> {
    let labels = points.len();
    let quality = |points: &[f32]| {
        let says: Vec<u32> = odds
            .iter()
            .map(|row| said(&row.iter().zip(points).map(|(odds, point)| sigmoid(odds - point)).collect::<Vec<_>>()))
            .collect();
        f1(holds, &says, labels).macro_f1
    };
    for _ in 0..ROUNDS {
        for label in 0..labels {
            let stood = points[label];
            let moved = [0.0, -0.3, -0.15, 0.15, 0.3].map(|by| {
                points[label] = stood + by;
                (stood + by, quality(&points))
            });
            points[label] = best(moved.into_iter());
        }
    }
    points
}

/// The point of the best quality, the first of equal ones.
fn best(tried: impl Iterator<Item = (f32, f64)>) -> f32 {
    tried
        .fold((0.0, f64::NEG_INFINITY), |best, (point, quality)| if quality > best.1 { (point, quality) } else { best })
        .0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    /// Scores of two labels, one common and one rarer, of which each text has one at least: they say more than nothing
    /// and are far from probabilities.
    fn texts(count: usize) -> (Vec<Vec<f32>>, Vec<u32>) {
        let mut rng = Rng::new(5, "texts");
        let mut noise = || (0..6).map(|_| rng.below(1000) as f32 / 1000.0 - 0.5).sum::<f32>();
        let holds: Vec<u32> =
            (0..count).map(|i| u32::from(i % 4 != 0) | u32::from(i % 4 == 0 || i % 7 == 0) << 1).collect();
        let scores = holds.iter().map(|bits| {
            vec![3.0 + 0.8 * (bits & 1) as f32 + 0.4 * noise(), -6.0 + 2.0 * (bits >> 1) as f32 + 0.6 * noise()]
        });
        (scores.collect(), holds)
    }

    fn quality(calibration: &Calibration, scores: &[Vec<f32>], holds: &[u32]) -> f64 {
        let says: Vec<u32> = calibration.apply(scores).iter().map(|row| said(row)).collect();
        f1(holds, &says, 2).macro_f1
    }

    #[test]
    fn one_half_decides_nearly_as_well_on_other_texts_as_the_best_point_there() {
        let (scores, holds) = texts(3000);
        let (learnt, other) = (0..1500, 1500..3000);
        let calibration = Calibration::fit(&scores[learnt.clone()], &holds[learnt], 2);
        let (scores, holds) = (&scores[other.clone()], &holds[other]);
        let found = quality(&calibration, scores, holds);
        let mut best = 0f64;
        for common in 0..40 {
            for rare in 0..40 {
                let shift = vec![-2.5 - common as f32 * 0.05, 7.0 - rare as f32 * 0.1];
                best = best.max(quality(&Calibration { scale: vec![1.0; 2], shift }, scores, holds));
            }
        }
        assert!(found > best - 0.02 && best > 0.8, "{found} of {best}");
        assert!(found > quality(&Calibration::none(2), scores, holds) + 0.2);
    }

    #[test]
    fn a_label_that_never_holds_is_never_turned_round() {
        let (scores, mut holds) = texts(300);
        holds.iter_mut().for_each(|bits| *bits &= 1);
        let calibration = Calibration::fit(&scores, &holds, 2);
        assert!(calibration.scale.iter().all(|scale| *scale > 0.0));
        assert!(calibration.shift.iter().all(|shift| shift.is_finite()));
    }
}
