//! Cargo's own helpers, pinned: built from source once, into the cache folder.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::partial::Partial;
use crate::{process, setup, workspace};

/// The program of a crate from the cache; built there on first use.
///
/// # Errors
/// A build that fails.
pub fn program(name: &str, version: &str) -> Result<PathBuf> {
    let cache = workspace::cache()?;
    let place = cache.join(format!("tools/{name}-{version}"));
    let program = place.join("bin").join(name);
    if program.is_file() {
        return Ok(program);
    }
    let _lock = setup::lock(&cache)?;
    eprintln!("{name} {version}: building it once, into {}; this takes several minutes", place.display());
    let partial = Partial::beside(&place)?;
    let build = partial.path().join("build");
    let mut cargo = process::cargo();
    cargo.args(["install", "--locked", "--version", version, name, "--root"]).arg(partial.path());
    cargo.arg("--target-dir").arg(&build);
    process::run(&mut cargo).with_context(|| format!("{name} could not be installed"))?;
    std::fs::remove_dir_all(&build).with_context(|| format!("can't tidy up after the build of {name}"))?;
    partial.finish(&format!("{name}=={version}"))?;
    Ok(program)
}
