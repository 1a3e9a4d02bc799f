//! The emotion head: what it is trained on in which order, and what is held back to measure it.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use tch::Tensor;

use crate::counterparts;
use crate::data::{Emotions, PLUTCHIK};
use crate::features::{Features, Source};
use crate::fit::{Part, Place, fit, pooled};
use crate::net::{Net, Rates, Spread};
use crate::recipe::Recipe;
use crate::rng::Rng;
use crate::rows::Rows;
use crate::words::Words;

/// Name of the GoEmotions rows, and what goes before their labels.
pub const GOEMOTIONS: &str = "goemotions";
/// Name of the Plutchik rows, likewise.
pub const PLUTCHIK_SET: &str = "plutchik";

/// The label of what says nothing else.
const NEUTRAL: &str = "neutral";
/// Texts of each kind that the spread of pooled states is told from.
const SPREAD_TEXTS: usize = 1000;

/// Data, features and splits: the same for every seed.
pub struct Bench {
    /// The data.
    pub data: Emotions,
    /// Features of GoEmotions' train, dev, and the English and French film lines.
    pub train: Features,
    /// GoEmotions' dev.
    pub dev: Features,
    english: Features,
    french: Features,
    english_pieces: Vec<Vec<u32>>,
    french_pieces: Vec<Vec<u32>>,
    /// GoEmotions lines that are learnt from.
    learnt: Vec<usize>,
    /// GoEmotions lines that points of decision are found on.
    pub held: Vec<usize>,
    /// Fold of each French line.
    pub folds: Vec<usize>,
    /// English sources of each French line.
    sources: Vec<BTreeSet<usize>>,
    /// English lines that are the source of none.
    free: Vec<usize>,
    /// Of an untrained net.
    spread: OnceCell<Spread>,
}

impl Bench {
    /// Computes features where the cache has none.
    ///
    /// # Errors
    /// Where the encoder fails or the cache can't be written.
    pub fn prepare(mut data: Emotions, source: &Source, recipe: &Recipe) -> Result<Self> {
        let (french, french_vectors) = source.features_and_vectors("xed-fr", &data.french.texts)?;
        let (english, english_vectors) = source.features_and_vectors("xed-en", &data.english.texts)?;
        let sources = counterparts::find((&data.french, &french_vectors), (&data.english, &english_vectors))?;
        let taken: BTreeSet<usize> = sources.iter().flatten().copied().collect();
        let free = (0..data.english.len()).filter(|place| !taken.contains(place)).collect();
        let dev = source.features("goemotions-dev", &data.dev.texts)?;
        let (held, learnt) = split(&data, recipe)?;
        // What is not used is not encoded either.
        data.train = data.train.at(&[held.as_slice(), &learnt].concat());
        let (held, learnt) = ((0..held.len()).collect(), (held.len()..data.train.len()).collect());
        let train = source.features("goemotions-train", &data.train.texts)?;
        let folds = folds(data.french.len(), recipe.folds);
        let (english_pieces, french_pieces) = (source.pieces(&data.english.texts)?, source.pieces(&data.french.texts)?);
        Ok(Self {
            english_pieces,
            french_pieces,
            data,
            train,
            dev,
            english,
            french,
            learnt,
            held,
            folds,
            sources,
            free,
            spread: OnceCell::new(),
        })
    }

    /// How many English lines are the source of some French line, for the card.
    pub fn sources(&self) -> usize {
        self.english.len() - self.free.len()
    }

    /// Trains the head's layers on GoEmotions and on those English film lines that no French line comes from: no fold
    /// of the French lines is in it, so all folds share it.
    ///
    /// # Errors
    /// Where training fails.
    pub fn train(&self, net: &Net, recipe: &Recipe, kept: &Kept) -> Result<()> {
        let film = Part {
            set: PLUTCHIK_SET,
            labels: PLUTCHIK.len(),
            features: &self.english,
            bits: &self.data.english.labels,
            places: self.free.clone(),
            balance: recipe.balance,
            weight: recipe.film_weight,
        };
        let goemotions = Part {
            set: GOEMOTIONS,
            labels: self.data.names.len(),
            features: &self.train,
            bits: &self.data.train.labels,
            places: self.learnt.clone(),
            balance: recipe.balance,
            weight: 1.0,
        };
        fit(net, &[goemotions, film], &recipe.broad, &kept.place(&recipe.key()))
    }

    /// What the film lines' rows are fitted to, as a trained net pools it.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn film(&self, net: &Net) -> Result<FilmStates> {
        let all = |features: &Features| pooled(net, features, &(0..features.len()).collect::<Vec<_>>());
        Ok(FilmStates { french: all(&self.french)?, english: all(&self.english)? })
    }

    /// What is said of film lines, learnt without the French lines of `fold` and whatever they may come from; `None`
    /// leaves out nothing.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn film_rows(&self, states: &FilmStates, recipe: &Recipe, fold: Option<usize>) -> Result<FilmRows> {
        let out = |place: usize| fold.is_some_and(|fold| self.folds[place] == fold);
        let (outside, inside): (Vec<usize>, Vec<usize>) = (0..self.french.len()).partition(|place| out(*place));
        let banned: BTreeSet<usize> = outside.iter().flat_map(|place| &self.sources[*place]).copied().collect();
        let film = &recipe.film;
        let mut weights = vec![film.free_weight; self.english.len()];
        self.sources.iter().flatten().for_each(|place| weights[*place] = film.counterpart_weight);
        let english: Vec<usize> =
            (0..weights.len()).filter(|place| weights[*place] > 0.0 && !banned.contains(place)).collect();
        let weights: Vec<f32> = inside.iter().map(|_| 1.0).chain(english.iter().map(|place| weights[*place])).collect();

        let pick = |states: &Tensor, places: &[usize]| -> Result<Tensor> {
            let places: Vec<i64> = places.iter().map(|place| *place as i64).collect();
            Ok(states.f_index_select(0, &Tensor::f_from_slice(&places)?)?)
        };
        let pooled = Tensor::f_cat(&[pick(&states.french, &inside)?, pick(&states.english, &english)?], 0)?;
        let (of_french, of_english) = (&self.data.french.labels, &self.data.english.labels);
        let bits: Vec<u32> =
            inside.iter().map(|p| of_french[*p]).chain(english.iter().map(|p| of_english[*p])).collect();
        let pieces =
            inside.iter().map(|p| &self.french_pieces[*p]).chain(english.iter().map(|p| &self.english_pieces[*p]));
        let pieces: Vec<&[u32]> = pieces.map(Vec::as_slice).collect();
        let labels = PLUTCHIK.len();
        let words = Words::fit(&pieces, &bits, &weights, labels, film.words_cost).times(film.words_scale);
        Ok(FilmRows { rows: Rows::fit(&pooled, &bits, &weights, labels, film.ridge)?, words })
    }

    /// Scores of all French lines, before any activation.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn french_scores(&self, states: &FilmStates, film: &FilmRows) -> Result<Vec<Vec<f32>>> {
        let table = film.words.table().context("words and numbers differ in number")?;
        let mut scores = film.rows.scores(&states.french)?;
        scores.iter_mut().zip(&self.french_pieces).for_each(|(row, pieces)| table.add(pieces, row));
        Ok(scores)
    }

    /// An untrained net.
    ///
    /// # Errors
    /// Where the model's weights can't be read.
    pub fn net(&self, source: &Source, recipe: &Recipe) -> Result<Net> {
        let sets = [(GOEMOTIONS, self.data.names.len()), (PLUTCHIK_SET, PLUTCHIK.len())];
        let rates = Rates { rows: recipe.rows_rate, per_layer: recipe.per_layer_rate };
        let mut net = Net::new(source.model(), recipe.first, recipe.layers, &sets, rates)?;
        if self.spread.get().is_none() {
            let some = |features: &Features| {
                pooled(&net, features, &(0..features.len().min(SPREAD_TEXTS)).collect::<Vec<_>>())
            };
            let seen = [some(&self.train)?, some(&self.english)?, some(&self.french)?];
            let _ = self.spread.set(Spread::of(&Tensor::f_cat(&seen, 0)?)?);
        }
        if let Some(spread) = self.spread.get() {
            net.set_spread(spread.share());
        }
        Ok(net)
    }
}

/// Pooled states of the film lines: `[texts, width]` each.
#[derive(Debug)]
pub struct FilmStates {
    /// Of the French ones.
    pub french: Tensor,
    english: Tensor,
}

/// What is said of film lines: by the pooled states, and by words beside them.
#[derive(Debug)]
pub struct FilmRows {
    /// On states.
    pub rows: Rows,
    /// On words.
    pub words: Words,
}

/// Where stages are kept, and what chance they come of.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The folder.
    pub folder: PathBuf,
    /// Whence all chance comes.
    pub seed: u64,
    /// Names data and encoder.
    pub inputs: String,
    /// How often a checkpoint is written.
    pub checkpoint_every: Duration,
}

impl Kept {
    fn place(&self, recipe: &str) -> Place<'_> {
        let name = format!("emotion-{recipe}-{}-seed{}", self.inputs, self.seed);
        Place { folder: &self.folder, name, seed: self.seed, checkpoint_every: self.checkpoint_every }
    }
}

/// Lines of GoEmotions that are held back for points of decision, as they come, and those that are learnt from, with
/// fewer that are neutral and nothing else. The same for every seed.
fn split(data: &Emotions, recipe: &Recipe) -> Result<(Vec<usize>, Vec<usize>)> {
    let neutral = data.names.iter().position(|name| name == NEUTRAL).context("there is no label neutral")?;
    let mut order: Vec<usize> = (0..data.train.len()).collect();
    Rng::new(0, "calibration").shuffle(&mut order);
    let (held, learnt) = order.split_at(order.len() / recipe.calibrate_one_of.max(1));
    let mut seen = 0;
    let wanted = |place: &usize| {
        let plain = data.train.labels[*place] == 1 << neutral;
        seen += usize::from(plain);
        !plain || seen % recipe.neutral_one_of.max(1) == 0
    };
    Ok((held.to_vec(), learnt.iter().copied().filter(wanted).collect()))
}

/// Which fold each of `count` lines is in: all of one size but for one line.
pub fn folds(count: usize, folds: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    Rng::new(0, "folds").shuffle(&mut order);
    let mut out = vec![0; count];
    order.iter().enumerate().for_each(|(at, place)| out[*place] = at % folds.max(1));
    out
}
