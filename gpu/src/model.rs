//! The model folder: what must be in it, and its digest.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use domain::id::Digest;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::error::GpuError;
use crate::weights::Weights;

/// Longest input, whatever more a model could take: spans and buckets are made for it.
const MAX_TOKENS: usize = 512;
/// Files that decide what the encoder computes, in the order in which the digest takes them.
const DIGESTED: [&str; 3] = ["config.json", "model.safetensors", "tokenizer.json"];
/// Above any real one; a bound for what is read into memory.
const MAX_JSON_BYTES: u64 = 256 << 20;

/// A folder in Hugging Face layout: `config.json`, `model.safetensors`, `tokenizer.json` of any BERT or
/// XLM-RoBERTa body with 16- or 32-bit floats.
///
/// Two more files are used where they are there. `config_sentence_transformers.json` names the prompts
/// that go before a text (`passage` or `document`, and `query`). `digest` holds what the other files
/// should be: a folder that differs from it is refused.
#[derive(Clone, Debug)]
pub struct ModelFolder {
    path: PathBuf,
    digest: Digest,
    config: Config,
    prompts: Prompts,
}

/// The part of `config.json` that decides the network.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Config {
    model_type: String,
    pub(crate) hidden_size: i64,
    pub(crate) num_hidden_layers: i64,
    pub(crate) num_attention_heads: i64,
    pub(crate) intermediate_size: i64,
    pub(crate) vocab_size: i64,
    pub(crate) max_position_embeddings: i64,
    pub(crate) type_vocab_size: i64,
    pub(crate) layer_norm_eps: f64,
    hidden_act: String,
    #[serde(default)]
    position_embedding_type: Option<String>,
    #[serde(default)]
    pad_token_id: Option<i64>,
}

/// What this encoder was trained to see before a text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prompts {
    pub(crate) passage: String,
    pub(crate) query: String,
}

impl ModelFolder {
    /// Checks the folder, reading every byte of it once for the digest. Loads nothing.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, GpuError> {
        let path = path.as_ref().to_owned();
        let config: Config = read_json(&path.join("config.json"))?;
        config.check()?;
        Weights::open(&path.join("model.safetensors"))?;
        let digest = digest_of(&path)?;
        if let Some(expected) = expected_digest(&path)?
            && expected != digest
        {
            return Err(GpuError::ModelAltered { path, expected, found: digest });
        }
        let prompts = Prompts::read(&path)?;
        Ok(Self { path, digest, config, prompts })
    }

    /// Names the model: SHA-256 over name, length and bytes of its weights, configuration and tokenizer.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Length of every vector.
    pub fn dim(&self) -> usize {
        self.config.hidden_size as usize
    }

    /// Longest input, special tokens included.
    pub fn max_tokens(&self) -> usize {
        let positions = self.config.max_position_embeddings - self.config.position_offset();
        MAX_TOKENS.min(usize::try_from(positions).unwrap_or(0))
    }

    /// Floating-point operations of the matrix products for an input of `tokens` tokens, a multiplication and an
    /// addition counted as two: of the four linear layers of each layer, and of attention.
    pub fn matmul_flop(&self, tokens: usize) -> f64 {
        let (h, f) = (self.config.hidden_size as f64, self.config.intermediate_size as f64);
        let tokens = tokens as f64;
        self.config.num_hidden_layers as f64 * tokens * (8.0 * h * h + 4.0 * h * f + 4.0 * h * tokens)
    }

    /// About what its weights take on a device: what their file takes.
    pub fn weights_bytes(&self) -> u64 {
        fs::metadata(self.path.join("model.safetensors")).map_or(0, |file| file.len())
    }

    /// Layers of its body.
    pub fn layers(&self) -> usize {
        self.config.num_hidden_layers as usize
    }

    /// Attention heads of each layer.
    pub fn attention_heads(&self) -> usize {
        self.config.num_attention_heads as usize
    }

    /// What its norms add to a variance.
    pub fn norm_eps(&self) -> f64 {
        self.config.layer_norm_eps
    }

    /// The weights of the body's layer `index` in single precision, as [`crate::Layer::from_tensors`] takes them:
    /// what a head's own layers begin as.
    pub fn layer_tensors(&self, index: usize) -> Result<[tch::Tensor; 12], GpuError> {
        let mut weights = Weights::open(&self.path.join("model.safetensors"))?;
        crate::bert::layer_tensors(&mut weights, &self.config, i64::try_from(index).unwrap_or(i64::MAX))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn prompts(&self) -> &Prompts {
        &self.prompts
    }
}

impl Config {
    /// RoBERTa and its kin count positions from one after the padding token's id, BERT from 0.
    pub(crate) fn position_offset(&self) -> i64 {
        if self.model_type == "bert" { 0 } else { self.pad_token_id.unwrap_or(1) + 1 }
    }

    /// Refuses what the network of this crate would compute wrongly, and sizes beyond reason.
    fn check(&self) -> Result<(), GpuError> {
        let unsupported = |reason: String| Err(GpuError::ModelUnsupported { reason });
        if !matches!(self.model_type.as_str(), "bert" | "roberta" | "xlm-roberta" | "camembert") {
            return unsupported(format!("model_type is {:?}, neither BERT nor XLM-RoBERTa", self.model_type));
        }
        if self.hidden_act != "gelu" {
            return unsupported(format!("hidden_act is {:?}, not \"gelu\"", self.hidden_act));
        }
        if let Some(kind) = self.position_embedding_type.as_deref()
            && kind != "absolute"
        {
            return unsupported(format!("position_embedding_type is {kind:?}, not \"absolute\""));
        }
        let sizes = [
            ("hidden_size", self.hidden_size, 1 << 14),
            ("num_hidden_layers", self.num_hidden_layers, 1 << 8),
            ("num_attention_heads", self.num_attention_heads, 1 << 10),
            ("intermediate_size", self.intermediate_size, 1 << 17),
            ("vocab_size", self.vocab_size, 1 << 24),
            ("max_position_embeddings", self.max_position_embeddings, 1 << 20),
            ("type_vocab_size", self.type_vocab_size, 1 << 8),
        ];
        for (name, size, limit) in sizes {
            if !(1..=limit).contains(&size) {
                return unsupported(format!("{name} is {size}, not between 1 and {limit}"));
            }
        }
        if self.hidden_size % self.num_attention_heads != 0 {
            return unsupported("hidden_size is no multiple of num_attention_heads".into());
        }
        let offset = self.position_offset();
        if offset < 0 || self.max_position_embeddings - offset < 16 {
            return unsupported("it has fewer than 16 positions".into());
        }
        Ok(())
    }
}

impl Prompts {
    fn read(folder: &Path) -> Result<Self, GpuError> {
        #[derive(Default, Deserialize)]
        struct File {
            #[serde(default)]
            prompts: BTreeMap<String, String>,
        }
        let File { mut prompts } = match read_json(&folder.join("config_sentence_transformers.json")) {
            Err(GpuError::ModelMissing { .. }) => File::default(),
            read => read?,
        };
        let passage = prompts.remove("passage").or_else(|| prompts.remove("document")).unwrap_or_default();
        Ok(Self { passage, query: prompts.remove("query").unwrap_or_default() })
    }
}

fn digest_of(folder: &Path) -> Result<Digest, GpuError> {
    let mut sha = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    for name in DIGESTED {
        let path = folder.join(name);
        let mut file = open_file(&path)?;
        let len = file.metadata().map_err(|error| unreadable(&path, error))?.len();
        sha.update((name.len() as u64).to_le_bytes());
        sha.update(name);
        sha.update(len.to_le_bytes());
        loop {
            match file.read(&mut buffer).map_err(|error| unreadable(&path, error))? {
                0 => break,
                n => sha.update(&buffer[..n]),
            }
        }
    }
    Ok(Digest(sha.finalize().into()))
}

fn expected_digest(folder: &Path) -> Result<Option<Digest>, GpuError> {
    let path = folder.join("digest");
    match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().map(Some).map_err(|error| unreadable(&path, error)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(&path, error)),
    }
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, GpuError> {
    let mut bytes = Vec::new();
    let file = open_file(path)?;
    file.take(MAX_JSON_BYTES).read_to_end(&mut bytes).map_err(|error| unreadable(path, error))?;
    serde_json::from_slice(&bytes).map_err(|error| unreadable(path, error))
}

pub(crate) fn open_file(path: &Path) -> Result<File, GpuError> {
    File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => GpuError::ModelMissing { path: path.to_owned() },
        _ => unreadable(path, error),
    })
}

pub(crate) fn unreadable(path: &Path, reason: impl ToString) -> GpuError {
    GpuError::ModelUnreadable { path: path.to_owned(), reason: reason.to_string() }
}
