//! Where things lie: the checkout, the cache folder, cargo's target folder.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The checkout that this xtask was compiled from.
pub fn root() -> PathBuf {
    // cargo sets the variable for `cargo xtask`; the compiled-in path serves whoever starts the binary by hand.
    let manifest = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    manifest.parent().map(Path::to_path_buf).unwrap_or(manifest)
}

/// The one folder for everything that is downloaded: `$VISIOBOOK_CACHE`, else `visiobook` in the user's cache folder.
///
/// # Errors
/// Fails where neither of the variables nor `HOME` is set.
pub fn cache() -> Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("VISIOBOOK_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("visiobook")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/visiobook")))
        .context("no cache folder: set VISIOBOOK_CACHE or HOME")?;
    std::path::absolute(&folder).with_context(|| format!("no such cache folder: {}", folder.display()))
}

/// Where cargo builds the main workspace.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR").filter(|value| !value.is_empty()) {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// Where cargo builds the web app: apart from the main target folder, whose wasm it would otherwise fight over.
pub fn web_target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR").filter(|value| !value.is_empty()) {
        Some(_) => target().join("web"),
        None => root().join("web/target"),
    }
}

/// Writes a small file by way of a sibling, so that nobody ever reads half of it; leaves an equal file untouched.
///
/// # Errors
/// Fails where the folder can't be written.
pub fn write_whole(path: &Path, body: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|present| present == body) {
        return Ok(());
    }
    let sibling = path.with_extension(format!("partial-{}", std::process::id()));
    fs::write(&sibling, body)
        .and_then(|()| fs::rename(&sibling, path))
        .inspect_err(|_| drop(fs::remove_file(&sibling)))
        .with_context(|| format!("can't write {}", path.display()))
}
