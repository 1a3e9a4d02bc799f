//! The emotion head from end to end: train, cross-validate, find points of decision, write the folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use domain::id::Digest;
use domain::manifest::NumericProfile;
use gpu::ModelFolder;

use crate::calibrate::Calibration;
use crate::data::{Emotions, PLUTCHIK};
use crate::emotion::{Bench, FilmRows, FilmStates, GOEMOTIONS, Kept, PLUTCHIK_SET};
use crate::export::{self, Head, Set};
use crate::features::Source;
use crate::measure;
use crate::metrics::F1;
use crate::net::Net;
use crate::recipe::Recipe;

/// What is to be made of what.
#[derive(Clone, Debug)]
pub struct Job {
    /// All choices.
    pub recipe: Recipe,
    /// Whence all chance comes.
    pub seed: u64,
    /// The folder that holds `emotion/`.
    pub data: PathBuf,
    /// The encoder's folder.
    pub model: PathBuf,
    /// Where features and stages are kept.
    pub cache: PathBuf,
    /// How often a checkpoint is written.
    pub checkpoint_every: Duration,
}

/// Data, features and encoder of a job.
pub struct Opened {
    /// The encoder at work.
    pub source: Source,
    /// Data, features and splits.
    pub bench: Bench,
    /// Where its stages are kept.
    pub kept: Kept,
}

/// The figures of a head that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// GoEmotions' labels on dev.
    pub goemotions: F1,
    /// Ekman's groups on dev.
    pub ekman: F1,
    /// Plutchik's on the French lines, cross-validated.
    pub french: F1,
    names: Vec<String>,
}

impl Job {
    /// Reads data and encoder, and computes what the cache has not.
    ///
    /// # Errors
    /// Where data or model can't be read.
    pub fn open(&self) -> Result<Opened> {
        let data = Emotions::read(&self.data)?;
        let model = ModelFolder::open(&self.model)?;
        let source = Source::open(model, self.recipe.tap, NumericProfile::Bf16, &self.cache)?;
        let bench = Bench::prepare(data, &source, &self.recipe)?;
        let inputs = format!("{} {:?}", source.model().digest(), bench.data.digests);
        let kept = Kept {
            folder: self.cache.clone(),
            seed: self.seed,
            inputs: Digest::of(inputs.as_bytes()).to_string()[..8].to_owned(),
            checkpoint_every: self.checkpoint_every,
        };
        Ok(Opened { source, bench, kept })
    }

    /// The head's layers, trained or as the cache has them.
    ///
    /// # Errors
    /// Where training fails.
    pub fn train(&self, opened: &Opened) -> Result<Net> {
        let net = opened.bench.net(&opened.source, &self.recipe)?;
        opened.bench.train(&net, &self.recipe, &opened.kept)?;
        Ok(net)
    }

    /// Scores of all French lines, each by rows that were fitted without its fold.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn cross_validate(&self, bench: &Bench, states: &FilmStates) -> Result<Vec<Vec<f32>>> {
        let mut scores = vec![Vec::new(); bench.folds.len()];
        for fold in 0..self.recipe.folds {
            let all = bench.french_scores(states, &bench.film_rows(states, &self.recipe, Some(fold))?)?;
            for (place, row) in all.into_iter().enumerate().filter(|(place, _)| bench.folds[*place] == fold) {
                scores[place] = row;
            }
        }
        Ok(scores)
    }
}

/// Makes the head and writes its folder.
///
/// # Errors
/// Where data, model or cache can't be used, or training fails.
pub fn make(job: &Job, out: &Path) -> Result<Made> {
    let opened = job.open()?;
    let bench = &opened.bench;
    let net = job.train(&opened)?;
    let (fine, goemotions, ekman) = measure::goemotions(bench, &net)?;
    let states = bench.film(&net)?;
    let scores = job.cross_validate(bench, &states)?;
    let french = measure::french(bench, &scores);
    // Each line's score is by rows that had not seen it, so the points hold for lines that nobody has seen.
    let film = Calibration::fit(&scores, &bench.data.french.labels, PLUTCHIK.len());
    let labels = PLUTCHIK.iter().map(|name| (*name).to_owned()).collect();
    let FilmRows { rows, words } = bench.film_rows(&states, &job.recipe, None)?;
    let fine_rows = net.bare_rows(GOEMOTIONS)?;
    let sets = vec![
        Set { name: GOEMOTIONS, rows: fine_rows, words: None, labels: bench.data.names.clone(), calibration: &fine },
        Set { name: PLUTCHIK_SET, rows, words: Some(words), labels, calibration: &film },
    ];
    let made = Made { goemotions, ekman, french, names: bench.data.names.clone() };
    let card = made.card(job, bench);
    let head = Head { name: "emotion", tap: job.recipe.tap, layers: job.recipe.layers, sets, made: card };
    export::write(out, opened.source.model(), &net, head)?;
    Ok(made)
}

impl Made {
    fn card(&self, job: &Job, bench: &Bench) -> serde_json::Value {
        let round = |x: f64| (x * 1e4).round() / 1e4;
        serde_json::json!({
            "by": format!("cargo xtask train emotion --seed {}", job.seed),
            "seed": job.seed,
            "recipe": job.recipe,
            "data": bench.data.digests,
            "scores": {
                "goemotions dev, macro F1 of 28": round(self.goemotions.macro_f1),
                "goemotions dev, macro F1 of Ekman's 7": round(self.ekman.macro_f1),
                "xed french, cross-validated, macro F1 of 8": round(self.french.macro_f1),
            },
        })
    }

    /// All figures, for people.
    pub fn table(&self) -> String {
        let mut out = String::new();
        let ekman: Vec<&str> = crate::data::EKMAN.iter().map(|(name, _)| *name).collect();
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let sets = [
            ("GoEmotions dev, 28 labels", &self.goemotions, names),
            ("GoEmotions dev, Ekman", &self.ekman, ekman),
            ("XED French, cross-validated", &self.french, PLUTCHIK.to_vec()),
        ];
        for (what, f1, names) in sets {
            let each = names.iter().zip(&f1.labels).map(|(name, f1)| format!("{name} {f1:.3}"));
            out += &format!("{what}: macro F1 {:.4}\n  {}\n", f1.macro_f1, each.collect::<Vec<_>>().join(", "));
        }
        out
    }
}
