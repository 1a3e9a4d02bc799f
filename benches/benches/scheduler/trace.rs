//! What is queued: lengths and tenants, lognormal from a seed or as real books have them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use benches::actor_load::item_id;
use domain::id::{RunId, TenantId};
use gpu::{ModelFolder, Tokenizer};
use scheduler::{Class, ItemSpec, Marks, ModelKey};

/// Lengths of the passages of whole books, a book a line, as the product cuts them for multilingual-e5-small.
/// Numbers only. Remade by `cargo xtask bench scheduler -- --make-lengths FOLDER_OF_BOOKS`.
const BOOKS: &str = include_str!("passage-lengths.txt");
const LENGTHS_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/scheduler/passage-lengths.txt");
/// Items that a coordinator hands in at once.
const PAGE: usize = 256;
/// Longest input of the encoder.
const MAX_INPUT_TOKENS: u32 = 512;

/// One item of a trace.
#[derive(Clone, Copy, Debug)]
pub struct Traced {
    pub id: u32,
    pub len: u16,
    pub tenant: u16,
}

impl Traced {
    /// The item as the core takes it.
    pub fn spec(self, model: ModelKey) -> ItemSpec {
        ItemSpec {
            item: item_id(u64::from(self.id)),
            tenant: TenantId(u128::from(self.tenant)),
            model,
            class: Class::Bulk,
            tokens: u32::from(self.len),
            deadline_ms: None,
            marks: Marks::default(),
            tag: u64::from(self.id),
        }
    }
}

/// A run for each tenant, as coordinators have it.
pub fn run_of(tenant: u16) -> RunId {
    RunId(1 + u128::from(tenant))
}

/// Lognormal lengths, log-uniform tenants, from a seed.
pub fn lognormal(count: usize, tenants: u16, seed: u64) -> Vec<Traced> {
    let mut bits = seed | 1;
    let mut share = move || {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    };
    for _ in 0..20 {
        share();
    }
    (0..count)
        .map(|id| {
            let (u, v) = (share().max(1e-12), share());
            let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
            let len = (120.0 * (0.8 * normal).exp()).clamp(4.0, 512.0) as u16;
            let tenant = (f64::from(tenants).powf(share()) - 1.0) as u16;
            Traced { id: id as u32, len, tenant: tenant.min(tenants - 1) }
        })
        .collect()
}

/// Real passage lengths: each tenant's books follow one another from another place on, and their pages take turns.
pub fn books(count: usize, tenants: u16) -> Result<Vec<Traced>> {
    let mut lengths = Vec::new();
    for number in BOOKS.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace) {
        lengths.push(number.parse::<u16>().with_context(|| format!("{number:?} in passage-lengths.txt"))?);
    }
    ensure!(!lengths.is_empty(), "passage-lengths.txt is empty");
    let mut places: Vec<usize> = (0..usize::from(tenants)).map(|t| t * lengths.len() / usize::from(tenants)).collect();
    let mut trace = Vec::with_capacity(count + PAGE);
    for tenant in (0..tenants).cycle() {
        if trace.len() >= count {
            break;
        }
        for _ in 0..PAGE {
            let place = &mut places[usize::from(tenant)];
            trace.push(Traced { id: trace.len() as u32, len: lengths[*place % lengths.len()], tenant });
            *place += 1;
        }
    }
    trace.truncate(count);
    Ok(trace)
}

/// Reads every book of `folder` and writes what `passage-lengths.txt` is to hold.
pub fn make_lengths(folder: &Path) -> Result<()> {
    let model = ModelFolder::open(std::env::var_os("VISIOBOOK_MODEL").context("VISIOBOOK_MODEL names the model")?)?;
    let tokenizer = Tokenizer::open(&model)?;
    let mut paths: Vec<_> = fs::read_dir(folder)?.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut text = String::from("# Tokens of each passage, a book a line; see trace.rs\n");
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "epub")) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let book = book::read(&name, &fs::read(path)?, &book::Limits::default())?;
        let room = MAX_INPUT_TOKENS - tokenizer.overhead_tokens() as u32;
        for chapter in &book.chapters {
            let texts: Vec<&str> = (0..chapter.sentences.len()).map(|at| chapter.sentence(at)).collect();
            let counts: Vec<u32> = tokenizer.encode_batch(&texts)?.iter().map(|ids| ids.len() as u32).collect();
            for passage in book::windows(chapter, &counts, room) {
                let tokens: u32 = passage.spans.iter().map(|span| span.token_end - span.token_start).sum();
                text += &format!("{} ", tokens + tokenizer.overhead_tokens() as u32);
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    fs::write(LENGTHS_FILE, text).with_context(|| format!("writing {LENGTHS_FILE}"))
}
