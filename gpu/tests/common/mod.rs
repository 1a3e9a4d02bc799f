//! Models for tests: the real one where it is there, and a tiny one of random weights that always is.
#![allow(dead_code, reason = "each test program uses a part")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use domain::passage::{Encoded, PassageInput};
use gpu::ModelFolder;
use half::f16;
use safetensors::tensor::{Dtype, TensorView};

/// The real model: `VISIOBOOK_MODEL`, else the folder that set-up makes. Says so where there is none.
pub fn model() -> Option<ModelFolder> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    let path = std::env::var_os("VISIOBOOK_MODEL")
        .map(PathBuf::from)
        .or_else(|| cache.map(|cache| cache.join("visiobook/models/multilingual-e5-small")))?;
    if !path.exists() {
        eprintln!("skipped: there is no model at {}; `cargo xtask setup` fetches it", path.display());
        return None;
    }
    Some(ModelFolder::open(&path).expect("the model folder is sound"))
}

/// Cosine of two vectors of half floats.
pub fn cosine(a: &[u16], b: &[u16]) -> f64 {
    let floats = |v: &[u16]| v.iter().map(|bits| f64::from(f16::from_bits(*bits).to_f32())).collect::<Vec<_>>();
    cosine_floats(&floats(a), &floats(b))
}

/// Cosine of two vectors.
pub fn cosine_floats(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The worst cosine between the same vectors of two results.
pub fn worst_cosine(a: &Encoded, b: &Encoded) -> f64 {
    let dim = a.passage.len();
    let sentences = a.sentences.chunks(dim).zip(b.sentences.chunks(dim)).map(|(a, b)| cosine(a, b));
    assert_eq!(a.sentences.len(), b.sentences.len());
    sentences.fold(cosine(&a.passage, &b.passage), f64::min)
}

/// Inputs of very unequal lengths with one span, some spans and none.
pub fn uneven_batch(vocabulary: u32) -> Vec<PassageInput> {
    let tokens = |len: u32| (0..len).map(|i| (i * 7 + len) % vocabulary).collect::<Vec<_>>();
    vec![
        PassageInput { tokens: tokens(3), spans: vec![(1, 2)] },
        PassageInput { tokens: tokens(30), spans: vec![(1, 10), (10, 11), (11, 29)] },
        PassageInput { tokens: tokens(1), spans: vec![] },
        PassageInput { tokens: tokens(16), spans: vec![(0, 16)] },
    ]
}

/// Ids that the tiny model knows.
pub const TINY_VOCABULARY: u32 = 50;
/// Width of the tiny model.
pub const TINY_DIM: usize = 16;

/// Sizes of a network.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub hidden: usize,
    pub intermediate: usize,
    pub heads: usize,
    pub positions: usize,
    pub layers: usize,
}

/// As small as can be.
pub const TINY: Sizes = Sizes { hidden: TINY_DIM, intermediate: 32, heads: 2, positions: 40, layers: 2 };
/// As wide as a small real one: its activations take memory that can be measured.
pub const WIDE: Sizes = Sizes { hidden: 384, intermediate: 1_536, heads: 12, positions: 512, layers: 1 };

/// Writes a tiny two-layer BERT into `folder`.
pub fn write_tiny_model(folder: &Path, model_type: &str, prefix: &str) {
    write_model(folder, model_type, prefix, TINY);
}

/// Writes a BERT of random weights into `folder`, its tensors' names under `prefix`.
pub fn write_model(folder: &Path, model_type: &str, prefix: &str, sizes: Sizes) {
    let (h, f, v, p) = (sizes.hidden, sizes.intermediate, TINY_VOCABULARY as usize, sizes.positions);
    // Of like spread whatever the width, so that nothing saturates.
    let scale = 1.0 / (h as f32 / TINY_DIM as f32).sqrt();
    let mut shapes: Vec<(String, Vec<usize>)> = vec![
        ("embeddings.word_embeddings.weight".into(), vec![v, h]),
        ("embeddings.position_embeddings.weight".into(), vec![p, h]),
        ("embeddings.token_type_embeddings.weight".into(), vec![1, h]),
        ("embeddings.LayerNorm.weight".into(), vec![h]),
        ("embeddings.LayerNorm.bias".into(), vec![h]),
    ];
    for layer in 0..sizes.layers {
        let linears = [
            ("attention.self.query", h, h),
            ("attention.self.key", h, h),
            ("attention.self.value", h, h),
            ("attention.output.dense", h, h),
            ("intermediate.dense", f, h),
            ("output.dense", h, f),
        ];
        for (name, rows, columns) in linears {
            shapes.push((format!("encoder.layer.{layer}.{name}.weight"), vec![rows, columns]));
            shapes.push((format!("encoder.layer.{layer}.{name}.bias"), vec![rows]));
        }
        for name in ["attention.output.LayerNorm", "output.LayerNorm"] {
            shapes.push((format!("encoder.layer.{layer}.{name}.weight"), vec![h]));
            shapes.push((format!("encoder.layer.{layer}.{name}.bias"), vec![h]));
        }
    }
    let mut seed = 1u64;
    let mut random = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((seed >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * scale
    };
    let data: Vec<Vec<u8>> = shapes
        .iter()
        .map(|(_, shape)| {
            let mut bytes = Vec::new();
            (0..shape.iter().product::<usize>()).for_each(|_| bytes.extend_from_slice(&random().to_le_bytes()));
            bytes
        })
        .collect();
    let views: HashMap<String, TensorView<'_>> = shapes
        .iter()
        .zip(&data)
        .map(|((name, shape), data)| {
            (format!("{prefix}{name}"), TensorView::new(Dtype::F32, shape.clone(), data).unwrap())
        })
        .collect();
    std::fs::write(folder.join("model.safetensors"), safetensors::serialize(&views, None).unwrap()).unwrap();
    let config = serde_json::json!({
        "model_type": model_type, "hidden_size": h, "num_hidden_layers": sizes.layers, "num_attention_heads": sizes.heads,
        "intermediate_size": f, "vocab_size": v, "max_position_embeddings": p, "type_vocab_size": 1,
        "layer_norm_eps": 1e-12, "hidden_act": "gelu", "pad_token_id": 1,
    });
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let word = |id: u32| (if id == 0 { "[UNK]".to_owned() } else { format!("w{id}") }, id);
    let tokenizer = serde_json::json!({
        "version": "1.0", "truncation": { "max_length": 4, "strategy": "LongestFirst", "stride": 0, "direction": "Right" },
        "padding": { "strategy": { "Fixed": 9 }, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
                     "pad_type_id": 0, "pad_token": "[UNK]" },
        "added_tokens": [], "normalizer": null, "pre_tokenizer": { "type": "WhitespaceSplit" },
        "post_processor": { "type": "BertProcessing", "sep": ["w2", 2], "cls": ["w1", 1] }, "decoder": null,
        "model": { "type": "WordLevel", "unk_token": "[UNK]",
                   "vocab": (0..TINY_VOCABULARY).map(word).collect::<HashMap<_, _>>() },
    });
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string()).unwrap();
}

/// A tiny model and the folder that it lies in, gone when dropped.
pub fn tiny_model() -> (tempfile::TempDir, ModelFolder) {
    model_of(TINY)
}

/// The same of any size.
pub fn model_of(sizes: Sizes) -> (tempfile::TempDir, ModelFolder) {
    let folder = tempfile::tempdir().unwrap();
    write_model(folder.path(), "bert", "", sizes);
    let model = ModelFolder::open(folder.path()).unwrap();
    (folder, model)
}
