//! Book, vectors and storyboard as an answer. Pure: the same inputs give the same answer.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::body::Fault;
use domain::analysis::{
    AnalysisKind, AnalysisResult, FoundScene, FoundScenes, FoundSummary, Neighbour, SemanticPassage, SemanticSentence,
    Semantics, SummarySentence, TextRange,
};
use domain::book::{Book, Chapter};
use domain::id::ItemId;
use domain::manifest::{Manifest, ManifestPassage};
use domain::passage::Encoded;
use domain::run::RunSettings;
use domain::storyboard::{Evidence, Scene, Storyboard};
use half::f16;

use super::Result;
use crate::run::composing::story_settings;

/// Neighbours that a passage names.
const NEAREST: usize = 3;
/// Steps that a cosine is told in: finer ones hang on how a batch was padded.
const STEPS: f32 = 4096.0;

fn broken(what: &str) -> Fault {
    Fault::new("store-corrupt", format!("book and results do not belong together ({what}): analyse the book again"))
}

fn story(error: &story::StoryError) -> Fault {
    Fault::new(error.code(), error.to_string())
}

/// The storyboard of a text, as a run with no wishes composes it.
pub(super) fn storyboard(book: &Book, manifest: &Manifest, encoded: &HashMap<ItemId, Encoded>) -> Result<Storyboard> {
    let vectors = story::SentenceVectors::from_segments(book, manifest, encoded).map_err(|e| story(&e))?;
    let board = story::compose(book, &vectors, &story_settings(&RunSettings::default())).map_err(|e| story(&e))?;
    story::check(book, &board).map_err(|v| Fault::new("story-contract", v.to_string()))?;
    Ok(board)
}

/// What was found. Vectors are needed for [`AnalysisKind::Semantic`], a storyboard for the others.
pub(super) fn of(
    kind: AnalysisKind,
    book: &Book,
    manifest: &Manifest,
    encoded: &HashMap<ItemId, Encoded>,
    board: Option<&Storyboard>,
    with_sentences: bool,
) -> Result<AnalysisResult> {
    let missing = || broken("no storyboard");
    Ok(match kind {
        AnalysisKind::Semantic => AnalysisResult::Semantic(semantics(book, manifest, encoded, with_sentences)?),
        AnalysisKind::ExtractScenes => AnalysisResult::ExtractScenes(scenes(book, board.ok_or_else(missing)?)?),
        AnalysisKind::Summarize => AnalysisResult::Summarize(summary(board.ok_or_else(missing)?)),
    })
}

fn semantics(
    book: &Book,
    manifest: &Manifest,
    encoded: &HashMap<ItemId, Encoded>,
    with_sentences: bool,
) -> Result<Semantics> {
    let mut units: Vec<Vec<f32>> = Vec::with_capacity(manifest.passages.len());
    for passage in &manifest.passages {
        let found = encoded.get(&passage.item).ok_or_else(|| broken("a passage without a vector"))?;
        let halves = found.passage.iter().map(|bits| f16::from_bits(*bits).to_f32());
        units.push(unit(halves.collect()));
    }
    let dim = units.first().map_or(0, Vec::len);
    if units.iter().any(|vector| vector.len() != dim) {
        return Err(broken("vectors of two lengths"));
    }
    let mut passages = Vec::with_capacity(units.len());
    for (at, passage) in manifest.passages.iter().enumerate() {
        let range = passage_range(book, passage)?;
        let (index, vector) = (at as u32, written(&units[at]));
        passages.push(SemanticPassage { index, range, vector, nearest: nearest(&units, at) });
    }
    let sentences = if with_sentences { sentences(book, manifest, encoded)? } else { Vec::new() };
    Ok(Semantics {
        language: book.language,
        model: manifest.model,
        profile: manifest.profile.name().to_owned(),
        dim: dim as u32,
        passages,
        sentences,
    })
}

fn sentences(book: &Book, manifest: &Manifest, encoded: &HashMap<ItemId, Encoded>) -> Result<Vec<SemanticSentence>> {
    let vectors = story::SentenceVectors::from_segments(book, manifest, encoded).map_err(|e| story(&e))?;
    let mut found = Vec::new();
    for (at, chapter) in book.chapters.iter().enumerate() {
        let of_chapter = vectors.chapter(at);
        for sentence in 0..chapter.sentences.len() {
            found.push(SemanticSentence {
                evidence: Evidence::of(chapter, sentence),
                vector: written(of_chapter.of(sentence)),
            });
        }
    }
    Ok(found)
}

/// A vector of length one; all zeros stay as they are.
fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|value| *value /= norm);
    }
    vector
}

fn written(vector: &[f32]) -> String {
    STANDARD.encode(vector.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
}

/// The passages nearest to one; ties go by position.
fn nearest(units: &[Vec<f32>], at: usize) -> Vec<Neighbour> {
    let mut best: Vec<(i32, usize)> = Vec::with_capacity(NEAREST + 1);
    for (other, vector) in units.iter().enumerate().filter(|(other, _)| *other != at) {
        let dot: f32 = units[at].iter().zip(vector).map(|(a, b)| a * b).sum();
        let score = (dot.clamp(-1.0, 1.0) * STEPS).round() as i32;
        let place = best.partition_point(|&(known, _)| known >= score);
        if place < NEAREST {
            best.insert(place, (score, other));
            best.truncate(NEAREST);
        }
    }
    best.into_iter().map(|(score, other)| Neighbour { passage: other as u32, cosine: score as f32 / STEPS }).collect()
}

fn passage_range(book: &Book, passage: &ManifestPassage) -> Result<TextRange> {
    let chapter = book.chapters.get(passage.passage.chapter as usize).ok_or_else(|| broken("no such chapter"))?;
    let spans = &passage.passage.spans;
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return Err(broken("a passage of nothing")) };
    range(chapter, first.sentence as usize, last.sentence as usize)
}

/// From the beginning of a sentence to the end of another one.
fn range(chapter: &Chapter, first: usize, last: usize) -> Result<TextRange> {
    let of = |at: usize| chapter.sentences.get(at).ok_or_else(|| broken("no such sentence"));
    let (first, last) = (of(first)?, of(last)?);
    Ok(TextRange {
        chapter: chapter.index,
        start: first.start,
        end: last.end,
        source_href: first.source.href.clone(),
        source_start: first.source.start,
        source_end: (first.source.href == last.source.href).then_some(last.source.end),
    })
}

fn scenes(book: &Book, board: &Storyboard) -> Result<FoundScenes> {
    let found = board.scenes.iter().map(|scene| {
        let name = |at: &u32| board.names.get(*at as usize).map(|name| name.name.clone());
        Ok(FoundScene {
            index: scene.index,
            range: scene_range(book, scene)?,
            boundary: scene.boundary,
            names: scene.names.iter().filter_map(name).collect(),
            summary: scene.summary.clone(),
            panels: scene.panels.len() as u32,
        })
    });
    Ok(FoundScenes { language: board.language, scenes: found.collect::<Result<_>>()? })
}

fn scene_range(book: &Book, scene: &Scene) -> Result<TextRange> {
    let chapter = book.chapters.get(scene.chapter as usize).ok_or_else(|| broken("no such chapter"))?;
    let first = chapter.sentences.partition_point(|sentence| sentence.start < scene.start);
    let after = chapter.sentences.partition_point(|sentence| sentence.end <= scene.end);
    range(chapter, first, after.checked_sub(1).ok_or_else(|| broken("a scene of nothing"))?)
}

fn summary(board: &Storyboard) -> FoundSummary {
    let of_scene = |scene: &Scene| {
        let index = scene.index;
        scene.summary.clone().into_iter().map(move |evidence| SummarySentence { scene: index, evidence })
    };
    FoundSummary { language: board.language, sentences: board.scenes.iter().flat_map(of_scene).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_the_nearest_first_and_equal_ones_by_position() {
        let units = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.6, 0.8], [0.8, 0.6]].map(|v| v.to_vec());
        let found: Vec<u32> = nearest(&units, 0).iter().map(|n| n.passage).collect();
        assert_eq!(found, [4, 2, 3]);
        assert!(nearest(&units[..1], 0).is_empty());
    }

    #[test]
    fn a_vector_is_written_so_that_anybody_can_read_it() {
        let bytes = STANDARD.decode(written(&unit(vec![3.0, 4.0]))).unwrap();
        let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        assert_eq!(values, [0.6, 0.8]);
    }
}
