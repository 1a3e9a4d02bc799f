//! Our own sentences, against what Hugging Face transformers says of them in single precision with the
//! same weights (`reference/make.py`).
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

mod common;

use common::{cosine_floats, model};
use domain::manifest::NumericProfile;
use domain::passage::PassageInput;
use gpu::{Device, Encoder, ModelFolder, TchEncoder, Tokenizer};
use half::f16;
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    model: String,
    sentences: Vec<Sentence>,
}

#[derive(Deserialize)]
struct Sentences {
    sentences: Vec<Sentence>,
}

#[derive(Deserialize)]
struct Sentence {
    text: String,
    tokens: Vec<u32>,
    vector: String,
}

#[test]
fn vectors_equal_those_of_transformers_alone_and_in_padded_batches() {
    let Some(model) = model() else { return };
    let reference: Reference = serde_json::from_str(include_str!("reference/vectors.json")).unwrap();
    if model.digest().to_string() != reference.model {
        eprintln!("skipped: the vectors were made with model {}, here is {}", reference.model, model.digest());
        return;
    }
    assert_eq!(reference.sentences.len(), 20);

    let tokenizer = Tokenizer::open(&model).unwrap();
    let texts: Vec<&str> = reference.sentences.iter().map(|sentence| sentence.text.as_str()).collect();
    let ids = tokenizer.encode_batch(&texts).unwrap();
    let inputs: Vec<PassageInput> = ids.iter().map(|ids| tokenizer.passage_input(&[ids])).collect();
    for (input, sentence) in inputs.iter().zip(&reference.sentences) {
        assert_eq!(input.tokens, sentence.tokens, "{}", sentence.text);
    }

    for (profile, floor) in [(NumericProfile::F32, 0.99999), (NumericProfile::Bf16, 0.999)] {
        let mut encoder = TchEncoder::load(&model, Device::Cpu, profile).unwrap();
        let alone = inputs.iter().flat_map(|input| encoder.encode(std::slice::from_ref(input)).unwrap()).collect();
        let together = encoder.encode(&inputs).unwrap();
        let uneven = inputs.chunks(7).flat_map(|batch| encoder.encode(batch).unwrap()).collect();
        for (how, results) in [("alone", alone), ("in one batch", together), ("in batches of seven", uneven)] {
            let cosines: Vec<f64> = results
                .iter()
                .zip(&reference.sentences)
                .map(|(encoded, sentence)| {
                    let ours = encoded.passage.iter().map(|bits| f16::from_bits(*bits).to_f64()).collect::<Vec<_>>();
                    cosine_floats(&ours, &floats(&sentence.vector))
                })
                .collect();
            let worst = cosines.iter().copied().fold(1.0, f64::min);
            println!("{} {how}: cosine at least {worst:.7}", profile.name());
            assert!(cosines.len() == 20 && worst > floor, "{} {how}: {worst}", profile.name());
        }
    }
}

#[test]
fn a_folder_of_xlm_roberta_loads_by_path_and_equals_transformers() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/xlm-roberta");
    let model = ModelFolder::open(folder).unwrap();
    let reference: Sentences = serde_json::from_str(include_str!("reference/xlm-roberta.json")).unwrap();
    let tokenizer = Tokenizer::open(&model).unwrap();
    assert_eq!(model.max_tokens(), 80, "two positions are none of a token's");
    let texts: Vec<&str> = reference.sentences.iter().map(|sentence| sentence.text.as_str()).collect();
    let ids = tokenizer.encode_batch(&texts).unwrap();
    let mut inputs: Vec<PassageInput> = ids.iter().map(|ids| tokenizer.passage_input(&[ids])).collect();
    // An empty text has no span; its vector is that of the special tokens.
    inputs.iter_mut().for_each(|input| input.spans.retain(|(start, end)| start < end));
    for (input, sentence) in inputs.iter().zip(&reference.sentences) {
        assert_eq!(input.tokens, sentence.tokens, "{:?}", sentence.text);
    }
    for (profile, floor) in [(NumericProfile::F32, 0.99999), (NumericProfile::Bf16, 0.999)] {
        let encoded = TchEncoder::load(&model, Device::Cpu, profile).unwrap().encode(&inputs).unwrap();
        for (encoded, sentence) in encoded.iter().zip(&reference.sentences) {
            let ours = encoded.passage.iter().map(|bits| f16::from_bits(*bits).to_f64()).collect::<Vec<_>>();
            let found = cosine_floats(&ours, &floats(&sentence.vector));
            assert!(found > floor, "{} {:?}: {found}", profile.name(), sentence.text);
        }
    }
}

/// Base64 (RFC 4648) of little-endian 32-bit floats.
fn floats(base64: &str) -> Vec<f64> {
    let sextets: Vec<u8> = base64
        .bytes()
        .filter(|c| *c != b'=')
        .map(|c| match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            other => panic!("{other} in base64"),
        })
        .collect();
    let bytes: Vec<u8> = sextets
        .chunks(4)
        .flat_map(|group| {
            let bits = group.iter().fold(0u32, |bits, sextet| (bits << 6) | u32::from(*sextet));
            let bits = bits << (6 * (4 - group.len()) + 8);
            bits.to_be_bytes().into_iter().take(group.len() * 6 / 8)
        })
        .collect();
    bytes.as_chunks::<4>().0.iter().map(|float| f64::from(f32::from_le_bytes(*float))).collect()
}
