//! One unit vector a sentence, gathered from what the encoder said of the passages.

use std::collections::HashMap;

use domain::book::Book;
use domain::id::ItemId;
use domain::manifest::{Manifest, ManifestPassage};
use domain::passage::Encoded;
use half::f16;

use crate::StoryError;

/// One unit vector a sentence. A vector is all zeros only where the encoder gave nothing to go by.
#[derive(Clone, Debug, PartialEq)]
pub struct SentenceVectors {
    /// Values to a vector.
    dim: usize,
    /// For each chapter its sentences' vectors, one after the other.
    chapters: Vec<Vec<f32>>,
}

/// The vectors of one chapter's sentences.
#[derive(Clone, Copy, Debug)]
pub struct ChapterVectors<'a> {
    dim: usize,
    values: &'a [f32],
}

impl<'a> ChapterVectors<'a> {
    /// Values to a vector.
    pub fn dim(self) -> usize {
        self.dim
    }

    /// How many sentences there are.
    pub fn len(self) -> usize {
        self.values.len() / self.dim
    }

    /// There are no sentences.
    pub fn is_empty(self) -> bool {
        self.values.is_empty()
    }

    /// The vector of a sentence.
    pub fn of(self, sentence: usize) -> &'a [f32] {
        &self.values[sentence * self.dim..(sentence + 1) * self.dim]
    }
}

impl SentenceVectors {
    /// Takes vectors of `dim` values as they come: for each chapter those of its sentences, one after the
    /// other. They are brought to unit length.
    ///
    /// # Errors
    /// [`StoryError::MissingSentence`] where a chapter's sentences and vectors differ in number.
    pub fn new(book: &Book, dim: usize, mut chapters: Vec<Vec<f32>>) -> Result<Self, StoryError> {
        chapters.resize(book.chapters.len(), Vec::new());
        for (chapter, values) in book.chapters.iter().zip(&mut chapters) {
            if dim == 0 || values.len() != chapter.sentences.len() * dim {
                let sentence = values.len().checked_div(dim).unwrap_or(0) as u32;
                return Err(StoryError::MissingSentence { chapter: chapter.index, sentence });
            }
            values.chunks_exact_mut(dim).for_each(normalise);
        }
        Ok(Self { dim, chapters })
    }

    /// Gathers the sentences' vectors from the passages that hold them. A sentence that stands in several
    /// spans gets the mean of their vectors, weighted by their tokens and brought to unit length again.
    ///
    /// # Errors
    /// Where an item is missing or has not the shape of its passage, and where the manifest does not cover
    /// the book.
    pub fn from_segments(
        book: &Book,
        manifest: &Manifest,
        encoded: &HashMap<ItemId, Encoded>,
    ) -> Result<Self, StoryError> {
        let find = |p: &ManifestPassage| encoded.get(&p.item).ok_or(StoryError::MissingItem { item: p.item });
        let dim = manifest.passages.first().map(find).transpose()?.map_or(1, |e| e.passage.len());
        let mut sums: Vec<Vec<f32>> = book.chapters.iter().map(|c| vec![0.0; c.sentences.len() * dim]).collect();
        let mut seen: Vec<Vec<bool>> = book.chapters.iter().map(|c| vec![false; c.sentences.len()]).collect();
        for passage in &manifest.passages {
            let result = find(passage)?;
            check_shape(passage, result, dim)?;
            let chapter = passage.passage.chapter;
            for (span, values) in passage.passage.spans.iter().zip(result.sentences.chunks_exact(dim)) {
                let unknown = StoryError::UnknownSentence { chapter, sentence: span.sentence };
                let at = span.sentence as usize;
                let sum = sums.get_mut(chapter as usize).and_then(|c| c.get_mut(at * dim..(at + 1) * dim));
                let sum = sum.ok_or(unknown)?;
                let weight = span.token_end.saturating_sub(span.token_start).max(1) as f32;
                for (sum, &bits) in sum.iter_mut().zip(values) {
                    *sum += f16::from_bits(bits).to_f32() * weight;
                }
                if !sum.iter().all(|v| v.is_finite()) {
                    return Err(StoryError::NotFinite { item: passage.item });
                }
                seen[chapter as usize][at] = true;
            }
        }
        for (chapter, seen) in (0..).zip(&seen) {
            if let Some(sentence) = seen.iter().position(|&seen| !seen) {
                return Err(StoryError::MissingSentence { chapter, sentence: sentence as u32 });
            }
        }
        Self::new(book, dim, sums)
    }

    /// Values to a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The vectors of a chapter's sentences.
    pub fn chapter(&self, chapter: usize) -> ChapterVectors<'_> {
        ChapterVectors { dim: self.dim, values: &self.chapters[chapter] }
    }

    /// These are vectors of this book's sentences, as far as numbers tell.
    pub(crate) fn fit(&self, book: &Book) -> Result<(), StoryError> {
        if self.chapters.len() != book.chapters.len() {
            return Err(StoryError::MissingSentence { chapter: self.chapters.len() as u32, sentence: 0 });
        }
        for (chapter, values) in book.chapters.iter().zip(&self.chapters) {
            if values.len() != chapter.sentences.len() * self.dim {
                let sentence = (values.len() / self.dim) as u32;
                return Err(StoryError::MissingSentence { chapter: chapter.index, sentence });
            }
        }
        Ok(())
    }
}

fn check_shape(passage: &ManifestPassage, result: &Encoded, dim: usize) -> Result<(), StoryError> {
    let expected = passage.passage.spans.len() * dim;
    if dim == 0 || result.passage.len() != dim || result.sentences.len() != expected {
        return Err(StoryError::WrongShape { item: passage.item, found: result.sentences.len(), expected });
    }
    Ok(())
}

/// Brings `vector` to unit length; leaves zeros alone.
pub(crate) fn normalise(vector: &mut [f32]) {
    let norm = dot(vector, vector).sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|v| *v /= norm);
    }
}

/// Sum of products in a fixed order, so that every machine gives the same bits; eight running sums let the
/// compiler use vector registers without reordering anything.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f32>() + tail
}
