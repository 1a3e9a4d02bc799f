//! Trained heads out of their folders: what they compute, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

mod common;

use std::path::Path;

use common::{TINY_DIM, TINY_VOCABULARY, tiny_model, uneven_batch, write_tiny_model};
use domain::id::Digest;
use domain::manifest::NumericProfile;
use gpu::stack::{CARD, FORMAT, LAYER_TENSORS};
use gpu::{
    Activation, Ask, Device, Encoder, Head, HeadCard, HeadFolder, HeadId, HeadInfo, HeadKind, Hidden, ModelFolder,
    TchEncoder, WeightsFile,
};
use tch::{Kind, TchError, Tensor};

const F32: NumericProfile = NumericProfile::F32;

/// A head of this kind on the tiny model: its one layer is a copy of the body's last, its rows give what they read.
fn write_head(folder: &Path, model: &ModelFolder, kind: HeadKind, change: impl FnOnce(&mut HeadCard)) {
    let width = if kind == HeadKind::PairScores { 3 * TINY_DIM } else { TINY_DIM } as i64;
    let layer = model.layer_tensors(1).unwrap();
    let mut tensors: Vec<(String, Tensor)> =
        LAYER_TENSORS.iter().zip(layer).map(|(name, tensor)| (format!("layers.0.{name}"), tensor)).collect();
    tensors.push(("rows.weight".into(), Tensor::eye(width, (Kind::Float, tch::Device::Cpu))));
    tensors.push(("rows.bias".into(), Tensor::zeros([width], (Kind::Float, tch::Device::Cpu))));
    let file = folder.join("head.safetensors");
    Tensor::write_safetensors(&tensors, &file).unwrap();
    let mut card = HeadCard {
        format: FORMAT,
        name: "test".into(),
        kind,
        body: model.digest(),
        tap: 1,
        layers: 1,
        activation: Activation::None,
        labels: (0..width).map(|i| i.to_string()).collect(),
        weights: WeightsFile { file: "head.safetensors".into(), sha256: Digest::of(&std::fs::read(&file).unwrap()) },
        made: serde_json::json!({ "seed": 1 }),
    };
    change(&mut card);
    std::fs::write(folder.join(CARD), serde_json::to_vec(&card).unwrap()).unwrap();
}

/// Gives what it reads at the body's end.
#[derive(Clone, Debug)]
struct Reader(HeadInfo);

impl Head for Reader {
    fn info(&self) -> &HeadInfo {
        &self.0
    }

    fn tap(&self) -> usize {
        2
    }

    fn share(&self) -> Box<dyn Head> {
        Box::new(self.clone())
    }

    fn bytes(&self) -> u64 {
        0
    }

    fn run(&self, hidden: &Hidden<'_>) -> Result<Tensor, TchError> {
        match self.0.kind {
            HeadKind::TokenTags => hidden.tokens(),
            HeadKind::SpanScores => hidden.candidates(),
            HeadKind::SentenceLabels => hidden.spans(),
            HeadKind::PassageLabels => hidden.passages(),
            HeadKind::PairScores => {
                let (left, right) = hidden.pairs()?;
                Tensor::f_cat(&[left.shallow_clone(), right.shallow_clone(), left.f_mul(&right)?], 1)
            }
        }
    }
}

fn attach(encoder: &mut TchEncoder, folder: &Path, model: &ModelFolder) -> HeadId {
    let head = HeadFolder::open(folder, model).unwrap().load(model, Device::Cpu, F32).unwrap();
    encoder.attach(Box::new(head))
}

#[test]
fn a_head_whose_layers_are_the_bodys_own_reads_what_the_body_ends_in() {
    let (_folder, model) = tiny_model();
    let batch = uneven_batch(TINY_VOCABULARY);
    let pairs = vec![vec![(0, 0)], vec![(0, 1), (2, 0)], vec![], vec![(0, 0)]];
    for kind in [
        HeadKind::TokenTags,
        HeadKind::SpanScores,
        HeadKind::SentenceLabels,
        HeadKind::PassageLabels,
        HeadKind::PairScores,
    ] {
        let folder = tempfile::tempdir().unwrap();
        write_head(folder.path(), &model, kind, |_| ());
        let mut encoder = TchEncoder::load(&model, Device::Cpu, F32).unwrap();
        let head = attach(&mut encoder, folder.path(), &model);
        let reader = encoder.attach(Box::new(Reader(encoder.heads()[0].clone())));
        let ask = Ask { heads: vec![head, reader], pairs: pairs.clone(), ..Ask::default() };
        let answers = encoder.share().run(&batch, &ask).unwrap();
        for input in 0..batch.len() {
            let (ours, theirs): (Vec<&[f32]>, Vec<&[f32]>) =
                (answers.scores[0].of(input).collect(), answers.scores[1].of(input).collect());
            assert_eq!(ours, theirs, "{kind:?}");
        }
    }
}

#[test]
fn the_encoders_vectors_are_the_same_bytes_with_heads_attached_and_asked() {
    let (_folder, model) = tiny_model();
    let folder = tempfile::tempdir().unwrap();
    write_head(folder.path(), &model, HeadKind::SentenceLabels, |_| ());
    let batch = uneven_batch(TINY_VOCABULARY);
    for profile in [F32, NumericProfile::Bf16] {
        let mut bare = TchEncoder::load(&model, Device::Cpu, profile).unwrap();
        let mut headed = TchEncoder::load(&model, Device::Cpu, profile).unwrap();
        let opened = HeadFolder::open(folder.path(), &model).unwrap();
        let head = headed.attach(Box::new(opened.load(&model, Device::Cpu, profile).unwrap()));
        let plain = bare.encode(&batch).unwrap();
        assert_eq!(headed.encode(&batch).unwrap(), plain);
        let ask = Ask { vectors: true, heads: vec![head], ..Ask::default() };
        assert_eq!(headed.run(&batch, &ask).unwrap().vectors, plain);
    }
}

#[test]
fn probabilities_come_of_scores_as_the_card_says() {
    let (_folder, model) = tiny_model();
    let batch = uneven_batch(TINY_VOCABULARY);
    let rows = |activation| {
        let folder = tempfile::tempdir().unwrap();
        write_head(folder.path(), &model, HeadKind::PassageLabels, |card| card.activation = activation);
        let mut encoder = TchEncoder::load(&model, Device::Cpu, F32).unwrap();
        let head = attach(&mut encoder, folder.path(), &model);
        encoder.run(&batch, &Ask::head(head)).unwrap().scores[0].of(1).next().unwrap().to_vec()
    };
    let (plain, sigmoid, softmax) = (rows(Activation::None), rows(Activation::Sigmoid), rows(Activation::Softmax));
    let total: f32 = plain.iter().map(|x| x.exp()).sum();
    for ((plain, sigmoid), softmax) in plain.iter().zip(&sigmoid).zip(&softmax) {
        assert!((1.0 / (1.0 + (-plain).exp()) - sigmoid).abs() < 1e-6);
        assert!((plain.exp() / total - softmax).abs() < 1e-6);
    }
}

#[test]
fn a_head_that_is_missing_altered_or_anothers_is_refused_by_name() {
    let (_folder, model) = tiny_model();
    let folder = tempfile::tempdir().unwrap();
    let code = || HeadFolder::open(folder.path(), &model).map(|_| "opened").unwrap_or_else(|error| error.code());
    assert_eq!(code(), "head-missing");
    let write = |change: fn(&mut HeadCard)| write_head(folder.path(), &model, HeadKind::PassageLabels, change);
    write(|_| ());
    assert_eq!(code(), "opened");

    let file = folder.path().join("head.safetensors");
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(code(), "head-altered");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(code(), "head-missing");

    write(|card| card.format = FORMAT + 1);
    assert_eq!(code(), "head-unreadable");
    write(|card| card.tap = 3);
    assert_eq!(code(), "head-unreadable");
    write(|card| card.weights.file = "../head.safetensors".into());
    assert_eq!(code(), "head-unreadable");
    std::fs::write(folder.path().join(CARD), "{").unwrap();
    assert_eq!(code(), "head-unreadable");

    // Another encoder of the very same shape.
    write(|_| ());
    let other = tempfile::tempdir().unwrap();
    write_tiny_model(other.path(), "roberta", "roberta.");
    let other = ModelFolder::open(other.path()).unwrap();
    assert_eq!(HeadFolder::open(folder.path(), &other).unwrap_err().code(), "head-foreign");
}

#[test]
fn weights_that_do_not_fit_their_card_are_refused_when_they_are_loaded() {
    let (_folder, model) = tiny_model();
    let changes: [fn(&mut HeadCard); 2] = [|card| card.layers = 2, |card| card.labels.truncate(3)];
    for change in changes {
        let folder = tempfile::tempdir().unwrap();
        write_head(folder.path(), &model, HeadKind::PassageLabels, change);
        let opened = HeadFolder::open(folder.path(), &model).unwrap();
        let error = opened.load(&model, Device::Cpu, F32).unwrap_err();
        assert!(matches!(error.code(), "head-unreadable"), "{error}");
    }
}
