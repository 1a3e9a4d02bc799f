//! A model folder is either usable or refused for a stated reason.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

mod common;

use std::fs;
use std::path::Path;

use common::{tiny_model, uneven_batch, write_tiny_model};
use domain::manifest::NumericProfile;
use gpu::{Device, Encoder, GpuError, ModelFolder, TchEncoder};

fn code(opened: Result<ModelFolder, GpuError>) -> &'static str {
    opened.expect_err("the folder is refused").code()
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_sound_folder_tells_what_it_holds() {
    let (_folder, model) = tiny_model();
    assert_eq!(model.dim(), common::TINY_DIM);
    assert_eq!(model.max_tokens(), 40);
}

#[test]
fn each_missing_file_is_named() {
    for name in ["config.json", "model.safetensors", "tokenizer.json"] {
        let (folder, _) = tiny_model();
        fs::remove_file(folder.path().join(name)).unwrap();
        let error = ModelFolder::open(folder.path()).unwrap_err();
        assert_eq!(error.code(), "model-missing");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_folder_that_differs_from_its_digest_is_refused() {
    let (folder, model) = tiny_model();
    fs::write(folder.path().join("digest"), format!("{}\n", model.digest())).unwrap();
    assert_eq!(ModelFolder::open(folder.path()).unwrap().digest(), model.digest());

    let weights = folder.path().join("model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&weights, bytes).unwrap();
    assert_eq!(code(ModelFolder::open(folder.path())), "model-altered");

    fs::write(folder.path().join("digest"), "no digest").unwrap();
    assert_eq!(code(ModelFolder::open(folder.path())), "model-unreadable");
}

#[test]
fn cut_or_wrong_weights_are_refused_before_anything_is_loaded() {
    let (folder, _) = tiny_model();
    let weights = folder.path().join("model.safetensors");
    let whole = fs::read(&weights).unwrap();
    for cut in [0, 5, 100, whole.len() - 1] {
        fs::write(&weights, &whole[..cut]).unwrap();
        assert_eq!(code(ModelFolder::open(folder.path())), "model-unreadable", "cut at {cut}");
    }
    fs::write(&weights, [0xff; 64]).unwrap();
    assert_eq!(code(ModelFolder::open(folder.path())), "model-unreadable");
}

#[test]
fn an_architecture_that_would_be_computed_wrongly_is_refused() {
    let cases = [
        ("\"bert\"", "\"distilbert\""),
        ("\"gelu\"", "\"relu\""),
        ("\"num_attention_heads\":2", "\"num_attention_heads\":3"),
        ("\"hidden_size\":16", "\"hidden_size\":-16"),
        ("\"max_position_embeddings\":40", "\"max_position_embeddings\":4"),
    ];
    for (from, to) in cases {
        let (folder, _) = tiny_model();
        edit(&folder.path().join("config.json"), from, to);
        assert_eq!(code(ModelFolder::open(folder.path())), "model-unsupported", "{to}");
    }
}

#[test]
fn weights_that_contradict_the_configuration_are_refused_at_loading() {
    for (from, to) in
        [("\"vocab_size\":50", "\"vocab_size\":51"), ("\"num_hidden_layers\":2", "\"num_hidden_layers\":3")]
    {
        let (folder, _) = tiny_model();
        edit(&folder.path().join("config.json"), from, to);
        let model = ModelFolder::open(folder.path()).unwrap();
        let error = TchEncoder::load(&model, Device::Cpu, NumericProfile::F32).unwrap_err();
        assert_eq!(error.code(), "model-unsupported", "{error}");
    }
}

#[test]
fn a_device_that_is_not_there_is_refused() {
    let (_folder, model) = tiny_model();
    let error = TchEncoder::load(&model, Device::Cuda(99), NumericProfile::F32).unwrap_err();
    assert_eq!(error.code(), "device-missing");
}

#[test]
fn a_body_under_its_tasks_name_loads_as_well() {
    let (_plain_folder, plain) = tiny_model();
    let folder = tempfile::tempdir().unwrap();
    write_tiny_model(folder.path(), "bert", "bert.");
    let prefixed = ModelFolder::open(folder.path()).unwrap();
    let encode = |model: &ModelFolder| {
        let mut encoder = TchEncoder::load(model, Device::Cpu, NumericProfile::F32).unwrap();
        encoder.encode(&uneven_batch(common::TINY_VOCABULARY)).unwrap()
    };
    assert_eq!(encode(&plain), encode(&prefixed));
}

#[test]
fn xlm_roberta_counts_positions_from_after_the_padding_token() {
    let (_plain_folder, bert) = tiny_model();
    let folder = tempfile::tempdir().unwrap();
    write_tiny_model(folder.path(), "xlm-roberta", "roberta.");
    let roberta = ModelFolder::open(folder.path()).unwrap();
    assert_eq!(roberta.max_tokens(), bert.max_tokens() - 2);
    let first = |model: &ModelFolder| {
        let mut encoder = TchEncoder::load(model, Device::Cpu, NumericProfile::F32).unwrap();
        encoder.encode(&uneven_batch(common::TINY_VOCABULARY)).unwrap().remove(0)
    };
    assert_ne!(first(&bert), first(&roberta));
}
