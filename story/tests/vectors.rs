//! Sentence vectors are gathered from passages, and what is missing is named.

mod common;

use std::collections::HashMap;

use domain::book::Book;
use domain::id::{Digest, ItemId};
use domain::language::Language;
use domain::manifest::{Manifest, ManifestPassage, NumericProfile, PIPELINE_VERSION};
use domain::passage::{Encoded, Passage, SentenceSpan};
use half::f16;
use story::{SentenceVectors, StoryError};

fn item(n: u8) -> ItemId {
    ItemId(Digest([n; 32]))
}

fn bits(values: &[f32]) -> Vec<u16> {
    values.iter().map(|v| f16::from_f32(*v).to_bits()).collect()
}

/// A book of two sentences; the second is cut over two passages, one token here and three there.
fn cut_book() -> (Book, Manifest, HashMap<ItemId, Encoded>) {
    let book = common::book("Cut", Language::En, &[vec!["Ada came. She stayed on and on.".into()]]);
    let span = |sentence, token_start, token_end| SentenceSpan { sentence, token_start, token_end };
    let passage = |n, spans| ManifestPassage {
        item: item(n),
        passage: Passage { chapter: 0, spans },
        tokens: 9,
        offset: 0,
        len: 1,
    };
    let manifest = Manifest {
        pipeline: PIPELINE_VERSION,
        profile: NumericProfile::Double,
        model: Digest([0; 32]),
        book: Digest([0; 32]),
        inputs: Digest([0; 32]),
        passages: vec![passage(1, vec![span(0, 0, 4), span(1, 0, 1)]), passage(2, vec![span(1, 1, 4)])],
    };
    let encoded = HashMap::from([
        (item(1), Encoded { passage: bits(&[1.0, 0.0]), sentences: bits(&[0.0, 1.0, 1.0, 0.0]) }),
        (item(2), Encoded { passage: bits(&[0.0, 1.0]), sentences: bits(&[0.0, 1.0]) }),
    ]);
    (book, manifest, encoded)
}

#[test]
fn a_cut_sentence_gets_the_mean_of_its_pieces_by_their_tokens_at_unit_length() {
    let (book, manifest, encoded) = cut_book();
    let vectors = SentenceVectors::from_segments(&book, &manifest, &encoded).expect("all is there");
    assert_eq!(vectors.chapter(0).of(0), [0.0, 1.0]);
    let norm = 10.0_f32.sqrt();
    let [x, y] = vectors.chapter(0).of(1) else { panic!("two values") };
    assert!((x - 1.0 / norm).abs() < 1e-6 && (y - 3.0 / norm).abs() < 1e-6, "{x} {y}");
}

#[test]
fn a_missing_item_is_named() {
    let (book, manifest, mut encoded) = cut_book();
    encoded.remove(&item(2));
    let error = SentenceVectors::from_segments(&book, &manifest, &encoded).expect_err("an item is missing");
    assert_eq!(error, StoryError::MissingItem { item: item(2) });
}

#[test]
fn a_result_of_another_shape_is_named() {
    let (book, manifest, mut encoded) = cut_book();
    encoded.get_mut(&item(1)).expect("it is there").sentences.pop();
    let error = SentenceVectors::from_segments(&book, &manifest, &encoded).expect_err("a value is missing");
    assert_eq!(error, StoryError::WrongShape { item: item(1), found: 3, expected: 4 });
}

#[test]
fn a_result_that_is_no_number_is_named() {
    let (book, manifest, mut encoded) = cut_book();
    encoded.get_mut(&item(2)).expect("it is there").sentences = bits(&[f32::NAN, 0.0]);
    let error = SentenceVectors::from_segments(&book, &manifest, &encoded).expect_err("not a number");
    assert_eq!(error, StoryError::NotFinite { item: item(2) });
}

#[test]
fn a_sentence_that_no_passage_holds_is_named() {
    let (book, mut manifest, encoded) = cut_book();
    manifest.passages[0].passage.spans[0].sentence = 1;
    let error = SentenceVectors::from_segments(&book, &manifest, &encoded).expect_err("nothing for sentence 0");
    assert_eq!(error, StoryError::MissingSentence { chapter: 0, sentence: 0 });
}

#[test]
fn a_sentence_that_the_book_does_not_have_is_named() {
    let (book, mut manifest, encoded) = cut_book();
    manifest.passages[1].passage.spans[0].sentence = 5;
    let error = SentenceVectors::from_segments(&book, &manifest, &encoded).expect_err("no such sentence");
    assert_eq!(error, StoryError::UnknownSentence { chapter: 0, sentence: 5 });
}
