//! Where scenes start: at chapters, at breaks that the book marks, and in valleys of cohesion.
//!
//! Valleys are found in the manner of TextTiling (M. A. Hearst, *TextTiling: Segmenting Text into
//! Multi-paragraph Subtopic Passages*, Computational Linguistics 23(1), 1997, sections 5.2 to 5.4), with
//! sentence vectors in the place of word counts: at each gap between paragraphs the blocks on either side
//! are compared, and a gap's depth is how far one climbs from it to the nearest peaks.
//!
//! Cosines of this kind of encoder crowd together near 0.8, so nothing is held against a fixed threshold:
//! vectors are centred on their chapter's mean, and a valley is deep when it is deep for its chapter.
//! A paragraph that sets another time draws the valley beside it to its own gap and deepens it; one that
//! stands beside speech makes its valley shallower; one that leans on what came before ("Her glasses …")
//! starts no scene, unless a stretch that is too long has no other place to be cut.
//! Similarities are quantised to 1/4096 before anything is decided; from there on it is integers.

use std::ops::Range;

use domain::storyboard::Boundary;

use crate::Settings;
use crate::notes::Notes;
use crate::openings::Opening;
use crate::vectors::{ChapterVectors, dot};

/// Words of narration that may stand between two turns of one exchange: "He shrugged."
const BRIDGE_WORDS: u32 = 25;

/// A scene's sentences, and why it starts there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub sentences: Range<usize>,
    pub boundary: Boundary,
}

/// Cuts a chapter into scenes, which partition its sentences.
pub(crate) fn cut(notes: &Notes<'_>, vectors: ChapterVectors<'_>, settings: &Settings) -> Vec<Span> {
    let gaps = Gaps::of(notes, vectors, settings);
    let mut spans = Vec::new();
    let mut boundary = Boundary::Chapter;
    let mut start = 0;
    // Stretches between marked breaks; gap g lies before paragraph g + 1.
    for end in (1..=notes.paragraphs.len()).filter(|&p| p == notes.paragraphs.len() || gaps.marked[p - 1]) {
        let mut cuts = gaps.valleys(start..end, settings);
        gaps.split_long(start..end, &mut cuts, settings);
        cuts.push(end);
        let mut from = start;
        for to in cuts {
            let sentences = notes.paragraphs[from].start..notes.paragraphs[to - 1].end;
            spans.push(Span { sentences, boundary });
            (from, boundary) = (to, Boundary::Cohesion);
        }
        (start, boundary) = (end, Boundary::Break);
    }
    spans
}

/// What is known of the gaps between a chapter's paragraphs. Gap `g` lies before paragraph `g + 1`.
struct Gaps {
    /// The book marks a break here.
    marked: Vec<bool>,
    /// A running exchange of dialogue crosses the gap.
    running: Vec<bool>,
    /// How deep the valley is, in 1/4096 of cosine; 0 where there is none.
    depth: Vec<i64>,
    /// The least depth that makes a valley in this chapter.
    least_depth: i64,
    /// The paragraph after the gap leans on what came before.
    leans: Vec<bool>,
    /// Words and sentences before each paragraph, and after the last: sums from the chapter's start.
    words: Vec<u32>,
    sentences: Vec<u32>,
}

impl Gaps {
    fn of(notes: &Notes<'_>, vectors: ChapterVectors<'_>, settings: &Settings) -> Self {
        let paragraphs = &notes.paragraphs;
        let marked: Vec<bool> = (1..paragraphs.len()).map(|p| notes.break_between(p - 1, p)).collect();
        let similarity = similarities(notes, vectors, &marked, settings.cohesion_block_words);
        let depth = depths(&similarity, &marked);
        let leans = paragraphs[1..].iter().map(|p| notes.openings[p.start] == Opening::Leans).collect();
        let (mut words, mut sentences) = (vec![0], vec![0]);
        for p in paragraphs {
            words.push(words[words.len() - 1] + notes.words_of(p.clone()));
            sentences.push(p.end as u32);
        }
        let least_depth = cutoff(&depth, &marked);
        let depth = weigh(notes, &depth, &marked);
        Self { running: exchanges(notes), marked, depth, least_depth, leans, words, sentences }
    }

    /// Cuts (paragraphs before which a scene starts) within `stretch`, deepest first as long as every
    /// scene stays long enough; in order of the text.
    fn valleys(&self, stretch: Range<usize>, settings: &Settings) -> Vec<usize> {
        let mut candidates: Vec<usize> = (stretch.start + 1..stretch.end)
            .filter(|&p| !self.running[p - 1] && self.depth[p - 1] > 0 && self.depth[p - 1] >= self.least_depth)
            .collect();
        candidates.sort_by_key(|&p| (-self.depth[p - 1], p));
        let mut cuts: Vec<usize> = Vec::new();
        for p in candidates {
            let at = cuts.partition_point(|&cut| cut < p);
            let before = at.checked_sub(1).map_or(stretch.start, |i| cuts[i]);
            let after = cuts.get(at).copied().unwrap_or(stretch.end);
            if self.long_enough(before..p, settings) && self.long_enough(p..after, settings) {
                cuts.insert(at, p);
            }
        }
        cuts
    }

    fn long_enough(&self, scene: Range<usize>, settings: &Settings) -> bool {
        self.words_in(scene.clone()) >= settings.scene_min_words
            && self.sentences[scene.end] - self.sentences[scene.start] >= settings.scene_min_sentences
    }

    fn words_in(&self, scene: Range<usize>) -> u32 {
        self.words[scene.end] - self.words[scene.start]
    }

    /// Cuts every scene that is too long at its deepest gap that no leaning paragraph follows, the one nearest to its middle among equals,
    /// until none can be cut: what stays too long is one running exchange, or one paragraph.
    fn split_long(&self, stretch: Range<usize>, cuts: &mut Vec<usize>, settings: &Settings) {
        let mut start = stretch.start;
        let mut at = 0;
        while start < stretch.end {
            let end = cuts.get(at).copied().unwrap_or(stretch.end);
            match self.best_split(start..end, settings) {
                Some(p) => cuts.insert(at, p),
                None => (start, at) = (end, at + 1),
            }
        }
    }

    fn best_split(&self, scene: Range<usize>, settings: &Settings) -> Option<usize> {
        if self.words_in(scene.clone()) <= settings.scene_max_words {
            return None;
        }
        let off_middle = |p: usize| self.words_in(scene.start..p).abs_diff(self.words_in(p..scene.end));
        (scene.start + 1..scene.end)
            .filter(|&p| !self.running[p - 1])
            .filter(|&p| self.long_enough(scene.start..p, settings) && self.long_enough(p..scene.end, settings))
            .min_by_key(|&p| (self.leans[p - 1], -self.depth[p - 1], off_middle(p), p))
    }
}

/// Which gaps a running exchange crosses: both sides speak, or one does and the other is a short bridge to
/// the next turn.
fn exchanges(notes: &Notes<'_>) -> Vec<bool> {
    // Where speech has no marks, a paragraph takes part if it opens with it: the rest may well be told.
    let marked = |p: &Range<usize>| notes.quoted[p.clone()].iter().any(|q| q.marked);
    let speaks: Vec<bool> = notes.paragraphs.iter().map(|p| marked(p) || notes.spoken[p.start]).collect();
    let bridge = |p: usize| notes.words_of(notes.paragraphs[p].clone()) <= BRIDGE_WORDS;
    let at = |p: Option<usize>| p.and_then(|p| speaks.get(p).copied()).unwrap_or(false);
    (1..speaks.len())
        .map(|p| match (speaks[p - 1], speaks[p]) {
            (true, true) => true,
            (true, false) => bridge(p) && at(Some(p + 1)),
            (false, true) => bridge(p - 1) && at(p.checked_sub(2)),
            (false, false) => false,
        })
        .collect()
}

/// Cosine of the blocks on either side of each gap, centred on the chapter's mean, in 1/4096.
fn similarities(notes: &Notes<'_>, vectors: ChapterVectors<'_>, marked: &[bool], block_words: u32) -> Vec<i64> {
    let mean = mean(vectors);
    let mut similarity = Vec::with_capacity(marked.len());
    let (mut first, mut last) = (0, stretch_end(marked, 0));
    for (gap, &is_break) in marked.iter().enumerate() {
        if is_break {
            (first, last) = (gap + 1, stretch_end(marked, gap + 1));
            similarity.push(0);
            continue;
        }
        let edge = notes.paragraphs[gap].end;
        let reach = notes.paragraphs[first].start..notes.paragraphs[last].end;
        let before = block(notes, vectors, &mean, (reach.start..edge).rev(), block_words);
        let after = block(notes, vectors, &mean, edge..reach.end, block_words);
        similarity.push(cosine_4096(&before, &after));
    }
    similarity
}

/// Last paragraph of the stretch without marked breaks that starts at paragraph `first`.
fn stretch_end(marked: &[bool], first: usize) -> usize {
    marked[first..].iter().position(|&m| m).map_or(marked.len(), |at| first + at)
}

fn mean(vectors: ChapterVectors<'_>) -> Vec<f32> {
    let mut mean = vec![0.0; vectors.dim()];
    for s in 0..vectors.len() {
        mean.iter_mut().zip(vectors.of(s)).for_each(|(m, v)| *m += v);
    }
    let count = vectors.len() as f32;
    mean.iter_mut().for_each(|m| *m /= count);
    mean
}

/// Sum of the centred vectors of sentences, taken from the gap outwards until there are enough words.
fn block(
    notes: &Notes<'_>,
    vectors: ChapterVectors<'_>,
    mean: &[f32],
    sentences: impl Iterator<Item = usize>,
    block_words: u32,
) -> Vec<f32> {
    let mut sum = vec![0.0; mean.len()];
    let mut words = 0_u32;
    for s in sentences {
        if words >= block_words {
            break;
        }
        // A very long sentence is one voice among several, not the whole block.
        let weight = notes.words[s].min(40);
        for ((sum, v), m) in sum.iter_mut().zip(vectors.of(s)).zip(mean) {
            *sum += (v - m) * weight as f32;
        }
        words = words.saturating_add(notes.words[s]);
    }
    sum
}

/// Cosine in 1/4096; 0 where a vector is all zeros.
pub(crate) fn cosine_4096(a: &[f32], b: &[f32]) -> i64 {
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    if norms > 0.0 { quantise(dot(a, b) / norms) } else { 0 }
}

/// A score in 1/4096, so that the last bits of a float decide nothing.
pub(crate) fn quantise(score: f32) -> i64 {
    (score.clamp(-4.0, 4.0) * 4096.0).round() as i64
}

/// Depth of each gap (Hearst 1997, section 5.3): the climb to the nearest peak on the left plus the climb
/// on the right. Climbs stop at marked breaks.
fn depths(similarity: &[i64], marked: &[bool]) -> Vec<i64> {
    let climb = |gaps: &mut dyn Iterator<Item = usize>, from: i64| {
        let mut peak = from;
        for g in gaps {
            if marked[g] || similarity[g] < peak {
                break;
            }
            peak = similarity[g];
        }
        peak - from
    };
    (0..similarity.len())
        .map(|g| {
            let here = similarity[g];
            if marked[g] {
                return 0;
            }
            let left = climb(&mut (0..g).rev(), here);
            let right = climb(&mut (g + 1..similarity.len()), here);
            // On a slope one climbs on one side only: that is no valley.
            if left > 0 && right > 0 { left + right } else { 0 }
        })
        .collect()
}

/// Depths after what the paragraphs' own words say of a new scene.
fn weigh(notes: &Notes<'_>, depth: &[i64], marked: &[bool]) -> Vec<i64> {
    let at = |gap: Option<usize>| gap.filter(|&g| marked.get(g) == Some(&false)).map_or(0, |g| depth[g]);
    (0..depth.len())
        .map(|gap| {
            let (before, after) = (notes.paragraphs[gap].end - 1, notes.paragraphs[gap + 1].start);
            match notes.openings[after] {
                _ if marked[gap] => 0,
                Opening::Shift if !notes.spoken[after] => {
                    at(gap.checked_sub(1)).max(at(Some(gap))).max(at(Some(gap + 1))) * 3 / 2
                }
                Opening::Leans => 0,
                _ if notes.spoken[before] || notes.spoken[after] => depth[gap] * 3 / 4,
                _ => depth[gap],
            }
        })
        .collect()
}

/// The least depth of a valley: the mean over the chapter's gaps plus one standard deviation. Hearst takes
/// the mean *less* half a deviation, for subtopics of expository prose; scenes are rarer.
fn cutoff(depth: &[i64], marked: &[bool]) -> i64 {
    let gaps = || depth.iter().zip(marked).filter(|(_, marked)| !**marked).map(|(&depth, _)| depth);
    let count = gaps().count() as i64;
    if count == 0 {
        return i64::MAX;
    }
    let mean = gaps().sum::<i64>() / count;
    let variance = gaps().map(|d| (d - mean) * (d - mean)).sum::<i64>() / count;
    mean + variance.max(0).isqrt()
}
