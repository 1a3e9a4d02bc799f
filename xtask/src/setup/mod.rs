//! Set-up: system packages, libtorch and the model, idempotent and never half-made.
//!
//! Everything that is downloaded lands in one cache folder that holds no absolute path, so it can be carried to
//! another machine. `.cargo/setup.toml`, which git ignores, tells plain cargo and rust-analyzer where it lies.

pub mod libtorch;
pub mod model;
pub mod system;
pub mod wheel;

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::partial;
use crate::{process, workspace};
use system::Needs;

/// What set-up may do, and where local parts lie.
#[derive(clap::Args, Clone, Debug, Default)]
#[group(skip)]
pub struct Options {
    /// Install system packages without asking
    #[arg(long)]
    pub yes: bool,
    /// A libtorch 2.11.0 folder of your own (also from the environment, as LIBTORCH); remembered
    #[arg(long, value_name = "DIR")]
    pub libtorch: Option<PathBuf>,
    /// A folder with an encoder in Hugging Face layout (BERT or XLM-R) instead of the default one; remembered
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Forget the named folders: back to the downloaded libtorch and model
    #[arg(long, conflicts_with_all = ["libtorch", "model"])]
    pub defaults: bool,
    /// Keep the downloaded wheels (620 MB) for another set-up without a network
    #[arg(long)]
    pub keep_downloads: bool,
}

/// What set-up found or made: what the programs of the house are to use.
#[derive(Clone, Debug)]
pub struct Ready {
    /// For building and for running.
    pub libtorch: PathBuf,
    /// The encoder's folder.
    pub model: PathBuf,
    /// Somebody named that folder: it goes before whatever a configuration file says.
    pub model_is_named: bool,
}

impl Ready {
    /// Hands both to a program, over whatever this process was started with.
    pub fn give(&self, command: &mut Command) {
        command.env("LIBTORCH", &self.libtorch).env("VISIOBOOK_MODEL", &self.model);
    }

    /// cargo in the checkout, with both.
    pub fn cargo(&self) -> Command {
        let mut cargo = process::cargo();
        self.give(&mut cargo);
        cargo
    }
}

/// Brings the machine to the point where plain `cargo build` and `cargo test` work.
///
/// # Errors
/// One sentence that says what is missing and what to do; nothing half-made stays behind.
pub fn set_up(options: &Options, needs: Needs) -> Result<Ready> {
    let cache = workspace::cache()?;
    let settings = workspace::root().join(".cargo/setup.toml");
    let old = Settings::read(&settings);
    let pick = |option: &Option<PathBuf>, variable, old: &Option<PathBuf>| {
        named(option.as_deref(), from_environment(variable), old.as_deref(), options.defaults)
    };
    let libtorch = pick(&options.libtorch, "LIBTORCH", &old.libtorch)?;
    let model = pick(&options.model, "VISIOBOOK_MODEL", &old.model)?;
    libtorch.as_deref().map_or(Ok(()), libtorch::check_named)?;
    model.as_deref().map_or(Ok(()), model::check_named)?;

    let want_libtorch = libtorch.is_none() && !libtorch::is_ready(&cache);
    let want_model = model.is_none() && !model::is_ready(&cache);
    let downloads = want_libtorch || want_model;
    if want_libtorch && !system::downloads_fit() {
        bail!(
            "the pinned libtorch is for Linux on x86-64 with glibc: here install libtorch {} by hand and name it with --libtorch DIR",
            libtorch::VERSION
        );
    }
    system::provide(Needs { downloads, ..needs }, options.yes)?;
    if downloads {
        let done = download(&cache, want_libtorch, want_model, options.keep_downloads);
        // Only where it is empty.
        drop(fs::remove_dir(cache.join("downloads")));
        done?;
    }
    let ready = Ready {
        libtorch: libtorch.unwrap_or_else(|| libtorch::place(&cache)),
        model_is_named: model.is_some(),
        model: model.unwrap_or_else(|| model::place(&cache)),
    };
    write_settings(&settings, &ready)?;
    Ok(ready)
}

fn download(cache: &Path, want_libtorch: bool, want_model: bool, keep: bool) -> Result<()> {
    let _lock = lock(cache)?;
    // Another set-up may have made them while this one waited for the lock.
    if want_libtorch && !libtorch::is_ready(cache) {
        libtorch::install(cache, keep)?;
    }
    if want_model && !model::is_ready(cache) {
        model::install(cache, keep)?;
    }
    Ok(())
}

/// A folder that somebody named: on the command line, in the environment, or in an earlier set-up; `None` for the
/// cache's own.
///
/// cargo hands `.cargo/setup.toml` to this process as environment, so an equal value there says nothing new. A folder
/// that set-up itself made, in this cache or another, was named by nobody; nor is one held on to that is gone.
fn named(
    option: Option<&Path>,
    environment: Option<PathBuf>,
    settings: Option<&Path>,
    defaults: bool,
) -> Result<Option<PathBuf>> {
    let told = option.map(Path::to_path_buf).or(environment.filter(|value| Some(value.as_path()) != settings));
    let Some(told) = told else {
        let kept = settings.filter(|folder| !defaults && folder.is_dir() && partial::stamp(folder).is_none());
        return Ok(kept.map(Path::to_path_buf));
    };
    let folder = std::path::absolute(&told).with_context(|| format!("no such folder: {}", told.display()))?;
    if !folder.is_dir() {
        bail!("{} was named for set-up and is no folder", folder.display());
    }
    Ok(Some(folder))
}

fn from_environment(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// What `.cargo/setup.toml` says from an earlier set-up.
struct Settings {
    libtorch: Option<PathBuf>,
    model: Option<PathBuf>,
}

impl Settings {
    fn read(settings: &Path) -> Self {
        let text = fs::read_to_string(settings).unwrap_or_default();
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='))?;
            // The values are written as JSON strings, which are TOML basic strings too.
            serde_json::from_str::<String>(line.trim()).ok().map(PathBuf::from)
        };
        Self { libtorch: value("LIBTORCH"), model: value("VISIOBOOK_MODEL") }
    }
}

fn write_settings(settings: &Path, ready: &Ready) -> Result<()> {
    let quoted = |path: &Path| -> Result<String> {
        let text =
            path.to_str().with_context(|| format!("{} is not UTF-8: cargo can't be told of it", path.display()))?;
        serde_json::to_string(text).context("can't quote a path")
    };
    let mut text =
        String::from("# Written by `cargo xtask setup`; delete it to forget folders that were named by hand.\n[env]\n");
    text += &format!("LIBTORCH = {}\n", quoted(&ready.libtorch)?);
    text += &format!("VISIOBOOK_MODEL = {}\n", quoted(&ready.model)?);
    workspace::write_whole(settings, text.as_bytes())
}

/// One writer a cache at a time; the lock goes with the process.
///
/// # Errors
/// A cache folder that can't be written.
pub fn lock(cache: &Path) -> Result<File> {
    fs::create_dir_all(cache).with_context(|| format!("can't make the cache folder {}", cache.display()))?;
    let path = cache.join(".setup.lock");
    let file = File::create(&path).with_context(|| format!("can't write in the cache folder {}", cache.display()))?;
    if file.try_lock().is_err() {
        eprintln!("Waiting for another set-up that uses {}", cache.display());
        file.lock().with_context(|| format!("can't lock {}", path.display()))?;
    }
    Ok(file)
}

/// Deletes a download that has done its work, or says where it was kept.
fn put_away(file: &Path, keep: bool) -> Result<()> {
    let folder = file.parent().context("a download lies in a folder")?;
    if keep {
        eprintln!("kept the download in {}", folder.display());
        return Ok(());
    }
    fs::remove_dir_all(folder).with_context(|| format!("can't remove {}", folder.display()))
}

/// `cargo xtask setup`: everything, for building, running and testing.
///
/// # Errors
/// As [`set_up`].
pub fn command(options: &Options) -> Result<()> {
    let ready = set_up(options, Needs { downloads: false, web: true, browser: true })?;
    println!("libtorch  {}", ready.libtorch.display());
    println!("model     {}", ready.model.display());
    println!("Ready: `cargo build`, `cargo test` and rust-analyzer work now; `cargo xtask run` starts Visiobook.");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_back_as_they_were_written() {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let settings = scratch.path().join("setup.toml");
        let ready = Ready { libtorch: "/a \"quoted\"/lib torch".into(), model: "/m".into(), model_is_named: true };
        write_settings(&settings, &ready).expect("written");
        let remembered = Settings::read(&settings);
        assert_eq!(remembered.libtorch, Some(ready.libtorch));
        assert_eq!(remembered.model, Some(ready.model));
    }

    #[test]
    fn a_folder_that_set_up_made_was_named_by_nobody() {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let made = scratch.path().join("libtorch");
        crate::partial::Partial::beside(&made).and_then(|partial| partial.finish("x")).expect("made");
        let gone = scratch.path().join("gone");
        let own = scratch.path().to_path_buf();
        let named = |option, environment, settings, defaults| named(option, environment, settings, defaults).ok();
        assert_eq!(named(None, Some(made.clone()), Some(&made), false), Some(None));
        assert_eq!(named(None, Some(gone.clone()), Some(&gone), false), Some(None));
        assert_eq!(named(None, Some(own.clone()), Some(&own), false), Some(Some(own.clone())), "remembered");
        assert_eq!(named(None, Some(own.clone()), Some(&own), true), Some(None), "forgotten");
        assert_eq!(
            named(None, Some(own.clone()), Some(&made), true),
            Some(Some(own.clone())),
            "the user's own variable"
        );
        assert_eq!(named(Some(&made), None, None, false), Some(Some(made.clone())));
        assert_eq!(named(Some(&gone), None, None, false), None, "refused");
    }
}
