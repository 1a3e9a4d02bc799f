//! How the emotion head is made. What stands here is what its card repeats.

use domain::id::Digest;
use serde::{Deserialize, Serialize};

use crate::fit::Schedule;

/// All choices that decide the weights, but for the seed and the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recipe {
    /// Layers of the shared body below the head.
    pub tap: usize,
    /// Layers of the head's own, copies of the body's from `first` on.
    pub layers: usize,
    /// The body's layer that the head's first one is a copy of.
    pub first: usize,
    /// What the learning rate of the rows of labels is multiplied by.
    pub rows_rate: f64,
    /// Rate of each layer as a share of that above it.
    pub per_layer_rate: f64,
    /// GoEmotions and those English film lines that have no French counterpart, through all layers of the head.
    pub broad: Schedule,
    /// One of so many GoEmotions lines that are neutral and nothing else is learnt from: they are a third of all.
    pub neutral_one_of: usize,
    /// How far the loss makes up for rare labels: 0 not at all, 1 wholly.
    pub balance: f64,
    /// What the film lines' loss is multiplied by.
    pub film_weight: f64,
    /// How the rows for film lines are then fitted to French lines and their English counterparts.
    pub film: Film,
    /// One of so many lines of GoEmotions is kept for calibration.
    pub calibrate_one_of: usize,
    /// Parts of the French lines for cross-validation.
    pub folds: usize,
}

/// How the rows for film lines are fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Film {
    /// How far a row's numbers are drawn to 0.
    pub ridge: f64,
    /// What an English counterpart counts, where a French line counts 1.
    pub counterpart_weight: f32,
    /// What an English line without counterpart counts.
    pub free_weight: f32,
    /// What a text on the wrong side costs the machines on words.
    pub words_cost: f64,
    /// What their scores are multiplied by before they are added to the rows'.
    pub words_scale: f32,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            tap: 9,
            layers: 2,
            first: 9,
            rows_rate: 1.0,
            per_layer_rate: 0.9,
            broad: Schedule {
                epochs: 1,
                rate: 5e-4,
                warmup: 0.1,
                batch_tokens: 1024,
                dropout: 0.1,
                decay: 0.01,
                averaging: 0.995,
            },
            neutral_one_of: 2,
            balance: 0.5,
            film_weight: 1.0,
            film: Film { ridge: 300.0, counterpart_weight: 0.3, free_weight: 0.1, words_cost: 0.1, words_scale: 3.0 },
            calibrate_one_of: 10,
            folds: 5,
        }
    }
}

impl Recipe {
    /// Names what the trained layers hang on: all but how the rows are fitted afterwards.
    pub fn key(&self) -> String {
        let mut all = serde_json::to_value(self).unwrap_or_default();
        for later in ["film", "folds"] {
            all.as_object_mut().map(|all| all.remove(later));
        }
        Digest::of(all.to_string().as_bytes()).to_string()[..12].to_owned()
    }
}
