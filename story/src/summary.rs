//! The sentences that stand for a scene: central ones that stand on their own and name who acts, one from
//! where it is set up and one from where it has got to.
//!
//! Centrality is the cosine to the scene's centroid (D. R. Radev and others, *Centroid-based summarization
//! of multiple documents*, IP&M 40(6), 2004); the second sentence is chosen by maximal marginal relevance
//! (J. Carbonell and J. Goldstein, SIGIR 1998). Cosines of one scene crowd together, so what counts is a
//! sentence's rank in its scene.

use std::ops::Range;

use crate::notes::Notes;
use crate::scenes::cosine_4096;
use crate::vectors::ChapterVectors;

/// A scene with fewer words is told in one sentence.
const SHORT_SCENE_WORDS: u32 = 120;
/// A sentence with fewer words tells little.
const TELLING_WORDS: u32 = 10;
/// What a sentence gains for each name in it, up to [`NAMES_COUNTED`].
const NAME_GAIN: i64 = 1024;
const NAMES_COUNTED: usize = 2;
/// Sentences that the second choice is made among, best first.
const MMR_POOL: usize = 64;

/// Scores of a scene's sentences, in 1/4096, by position in the scene.
pub(crate) struct Salience {
    scene: Range<usize>,
    /// Rank of the cosine to the centroid: 4096 is the most central sentence.
    central: Vec<i64>,
    /// Vectors centred on the scene's mean, for comparing sentences with one another.
    centred: Vec<Vec<f32>>,
}

impl Salience {
    pub fn of(scene: Range<usize>, vectors: ChapterVectors<'_>) -> Self {
        let mut centroid = vec![0.0; vectors.dim()];
        for s in scene.clone() {
            centroid.iter_mut().zip(vectors.of(s)).for_each(|(c, v)| *c += v);
        }
        let cosines: Vec<i64> = scene.clone().map(|s| cosine_4096(vectors.of(s), &centroid)).collect();
        let count = scene.len() as f32;
        centroid.iter_mut().for_each(|c| *c /= count);
        let centre = |s| vectors.of(s).iter().zip(&centroid).map(|(v, c)| v - c).collect();
        Self { central: ranks(&cosines), centred: scene.clone().map(centre).collect(), scene }
    }

    /// How central a sentence is to the scene, 0 to 4096.
    pub fn central_of(&self, sentence: usize) -> i64 {
        self.central[sentence - self.scene.start]
    }

    /// How alike two sentences of the scene are, in 1/4096.
    pub fn likeness(&self, a: usize, b: usize) -> i64 {
        cosine_4096(&self.centred[a - self.scene.start], &self.centred[b - self.scene.start])
    }
}

/// Rank of each score, spread over 0..=4096; equal scores share the lower rank.
fn ranks(scores: &[i64]) -> Vec<i64> {
    let mut sorted = scores.to_vec();
    sorted.sort_unstable();
    let top = (scores.len() as i64 - 1).max(1);
    scores.iter().map(|score| sorted.partition_point(|s| s < score) as i64 * 4096 / top).collect()
}

/// One or two sentences of the scene, in order of the text.
pub(crate) fn choose(notes: &Notes<'_>, scene: &Range<usize>, salience: &Salience, named: &[usize]) -> Vec<usize> {
    let mut scored: Vec<(i64, usize)> = scene.clone().map(|s| (score(notes, scene, salience, named, s), s)).collect();
    scored.sort_by_key(|&(score, s)| (-score, s));
    let (_, first) = scored[0];
    let mut chosen = vec![first];
    if notes.words_of(scene.clone()) >= SHORT_SCENE_WORDS {
        let second = scored[1..scored.len().min(MMR_POOL)]
            .iter()
            .filter(|&&(_, s)| notes.stands_alone(s))
            .map(|&(score, s)| {
                let apart = s.abs_diff(first).min(scene.len() / 2) as i64 * 2048 / scene.len() as i64;
                (score - salience.likeness(first, s) + apart, s)
            })
            .max_by_key(|&(score, s)| (score, std::cmp::Reverse(s)));
        chosen.extend(second.map(|(_, s)| s));
    }
    chosen.sort_unstable();
    chosen
}

fn score(notes: &Notes<'_>, scene: &Range<usize>, salience: &Salience, named: &[usize], s: usize) -> i64 {
    let position = (s - scene.start) as i64;
    let mut score = salience.central_of(s);
    // Scenes are set up at their start.
    score += 1024 * (4 - position.min(4)) / 4;
    score += named[s].min(NAMES_COUNTED) as i64 * NAME_GAIN;
    if notes.spoken[s] {
        score -= 3072;
    }
    if notes.cut_from_speech(s) {
        score -= 3072;
    }
    if notes.leans(s) {
        // "And Ada slept" leans less than "She slept".
        score -= if named[s] > 0 { 2048 } else { 3072 };
    }
    if notes.words[s] < TELLING_WORDS {
        score -= 2048;
    }
    // A question tells nothing, whoever asks.
    if notes.chapter.sentence(s).contains('?') {
        score -= 1536;
    }
    if !notes.stands_alone(s) {
        score -= 8192;
    }
    score
}
