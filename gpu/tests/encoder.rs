//! What an input's vectors depend on: the input, and nothing else.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

mod common;

use common::{TINY_VOCABULARY, cosine, model, tiny_model, uneven_batch, worst_cosine};
use domain::manifest::NumericProfile;
use domain::passage::{Encoded, PassageInput};
use gpu::{Device, DoubleEncoder, EncodeError, Encoder, TchEncoder, Tokenizer};
use half::f16;

fn tiny(profile: NumericProfile) -> TchEncoder {
    let (_folder, model) = tiny_model();
    TchEncoder::load(&model, Device::Cpu, profile).unwrap()
}

fn one_by_one(encoder: &mut dyn Encoder, batch: &[PassageInput]) -> Vec<Encoded> {
    batch.iter().flat_map(|input| encoder.encode(std::slice::from_ref(input)).unwrap()).collect()
}

#[test]
fn the_double_gives_the_same_bytes_in_every_batch() {
    let mut encoder = DoubleEncoder::new();
    let mut batch = uneven_batch(1 << 20);
    let together = encoder.encode(&batch).unwrap();
    assert_eq!(together, one_by_one(&mut encoder, &batch));
    batch.reverse();
    let mut reversed = encoder.encode(&batch).unwrap();
    reversed.reverse();
    assert_eq!(together, reversed);
}

#[test]
fn the_doubles_vectors_are_frozen() {
    // Golden: stored segments of the tests hang on it.
    let input = PassageInput { tokens: vec![0, 5, 6, 7, 2], spans: vec![] };
    let vector = DoubleEncoder::new().encode(&[input]).unwrap().remove(0).passage;
    let bytes: Vec<u8> = vector.iter().flat_map(|bits| bits.to_le_bytes()).collect();
    assert_eq!(domain::id::Digest::of(&bytes).to_string(), DOUBLE_GOLDEN);
}

const DOUBLE_GOLDEN: &str = "192a08cbd6563f9d18940ae5b15a0b8fd65b0c6da9f1e3e6ab21bfc7b49dd9b8";

#[test]
fn the_double_puts_similar_texts_near_one_another() {
    let tokenizer = Tokenizer::double();
    let texts = ["the old mill by the river", "by the river, the old mill burned", "quarante-deux tonneaux de vin"];
    let ids = tokenizer.encode_batch(&texts).unwrap();
    let inputs: Vec<_> = ids.iter().map(|ids| tokenizer.passage_input(&[ids])).collect();
    let vectors = DoubleEncoder::new().encode(&inputs).unwrap();
    let (near, far) =
        (cosine(&vectors[0].sentences, &vectors[1].sentences), cosine(&vectors[0].sentences, &vectors[2].sentences));
    assert!(near > 0.7 && far < 0.4, "near {near}, far {far}");
}

#[test]
fn every_vector_has_length_one() {
    let batch = uneven_batch(TINY_VOCABULARY);
    let encoders: [Box<dyn Encoder>; 3] =
        [Box::new(DoubleEncoder::new()), Box::new(tiny(NumericProfile::F32)), Box::new(tiny(NumericProfile::Bf16))];
    for mut encoder in encoders {
        for (encoded, input) in encoder.encode(&batch).unwrap().iter().zip(&batch) {
            assert_eq!(encoded.passage.len(), encoder.dim());
            assert_eq!(encoded.sentences.len(), encoder.dim() * input.spans.len());
            for vector in encoded.passage.chunks(encoder.dim()).chain(encoded.sentences.chunks(encoder.dim())) {
                let norm: f32 = vector.iter().map(|bits| f16::from_bits(*bits).to_f32().powi(2)).sum();
                assert!((norm - 1.0).abs() < 2e-3, "{norm}");
            }
        }
    }
}

#[test]
fn padding_changes_nothing_that_matters() {
    let batch = uneven_batch(TINY_VOCABULARY);
    let mut encoder = tiny(NumericProfile::F32);
    let (together, alone) = (encoder.encode(&batch).unwrap(), one_by_one(&mut encoder, &batch));
    for (a, b) in together.iter().zip(&alone) {
        assert!(worst_cosine(a, b) > 0.9999, "{}", worst_cosine(a, b));
    }
}

#[test]
fn a_span_is_the_mean_of_its_own_tokens() {
    let mut encoder = tiny(NumericProfile::F32);
    let tokens = vec![1, 9, 8, 7, 2];
    let whole = PassageInput { tokens, spans: vec![(0, 5), (1, 4)] };
    let encoded = encoder.encode(&[whole]).unwrap().remove(0);
    let (all, inner) = encoded.sentences.split_at(encoder.dim());
    assert_eq!(all, encoded.passage);
    assert_ne!(inner, encoded.passage);
}

#[test]
fn an_empty_batch_is_answered_by_nothing() {
    assert_eq!(tiny(NumericProfile::F32).encode(&[]), Ok(vec![]));
    assert_eq!(DoubleEncoder::new().encode(&[]), Ok(vec![]));
}

#[test]
fn bad_input_is_named_and_the_encoder_goes_on() {
    let mut encoder = tiny(NumericProfile::F32);
    let good = PassageInput { tokens: vec![1, 2, 3], spans: vec![] };
    let before = encoder.encode(std::slice::from_ref(&good)).unwrap();
    for tokens in [vec![], vec![TINY_VOCABULARY], vec![1; 41]] {
        let bad = PassageInput { tokens, spans: vec![] };
        match encoder.encode(&[good.clone(), bad]) {
            Err(EncodeError::BadInput { index: 1, .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(encoder.encode(&[good]).unwrap(), before);
}

#[test]
fn encoders_that_share_weights_agree_from_several_threads_at_once() {
    let first = tiny(NumericProfile::F32);
    let batch = uneven_batch(TINY_VOCABULARY);
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (mut encoder, batch) = (first.share(), &batch);
                scope.spawn(move || (0..20).map(|_| encoder.encode(batch).unwrap()).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(results.len(), 80);
    assert!(results.iter().all(|result| *result == results[0]));
}

#[test]
fn memory_tells_of_the_weights_and_the_device() {
    let report = tiny(NumericProfile::F32).memory();
    assert!(report.weights_bytes > 10_000 && report.weights_bytes < 100_000, "{report:?}");
    assert!(report.free_bytes > 0 && report.free_bytes <= report.total_bytes, "{report:?}");
}

#[test]
fn bf16_agrees_with_single_precision_on_the_real_model() {
    let Some(model) = model() else { return };
    let mut batch = uneven_batch(250_000);
    let long = PassageInput { tokens: (0..512).map(|i| 1000 + i * 37).collect(), spans: vec![(1, 511)] };
    batch.push(long);
    let encode = |profile| TchEncoder::load(&model, Device::Cpu, profile).unwrap().encode(&batch).unwrap();
    let (single, brain) = (encode(NumericProfile::F32), encode(NumericProfile::Bf16));
    for (a, b) in single.iter().zip(&brain) {
        assert!(worst_cosine(a, b) > 0.999, "{}", worst_cosine(a, b));
    }
}
