//! `cargo xtask ci`: every check that is not a test.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::process::{self, Steps};
use crate::setup::{self, Ready, system::Needs};
use crate::{partial, tidy, web, workspace};
use partial::Partial;

/// The pinned cargo-deny; installed from source into the cache folder.
const DENY_VERSION: &str = "0.20.2";

/// Runs every check, whatever fails on the way.
///
/// # Errors
/// The names of the checks that failed.
pub fn command(options: &setup::Options) -> Result<()> {
    let mut steps = Steps::default();
    let mut ready = None;
    steps.step("set-up", || {
        ready = Some(setup::set_up(options, Needs { downloads: false, web: true, browser: false })?);
        Ok(())
    });
    steps.step("tidy", tidy::command);
    steps.step("format", || {
        process::run(process::cargo().args(["fmt", "--all", "--check"]))?;
        process::run(process::cargo().current_dir(workspace::root().join("web")).args(["fmt", "--all", "--check"]))
    });
    steps.step("licences, bans, sources", deny);
    if let Some(ready) = &ready {
        steps.step("clippy", || clippy(ready));
        steps.step("clippy, web app", clippy_web);
        steps.step("docs", || docs(ready));
    }
    steps.close()
}

fn clippy(ready: &Ready) -> Result<()> {
    process::run(ready.cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
}

/// The app as wasm where this toolchain has that target, for this machine where it hasn't (Debian's wasm toolchain
/// brings no clippy); the bundler for this machine.
fn clippy_web() -> Result<()> {
    let host = |package: &str| {
        let mut cargo = process::cargo();
        cargo.current_dir(workspace::root().join("web"));
        cargo
            .args(["clippy", "--locked", "--all-targets", "--package", package, "--target-dir"])
            .arg(web::host_target());
        cargo
    };
    let app = match web::toolchain() {
        Some(toolchain @ web::Toolchain::Installed) => toolchain.cargo("clippy"),
        _ => host("app"),
    };
    for mut cargo in [app, host("bundler")] {
        process::run(cargo.args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

fn docs(ready: &Ready) -> Result<()> {
    let mut cargo = ready.cargo();
    cargo.env("RUSTDOCFLAGS", "-D warnings");
    process::run(cargo.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"]))
}

fn deny() -> Result<()> {
    let program = cargo_deny()?;
    let check = |manifest: &str, arguments: &[&str]| {
        let mut deny = process::command(&program);
        deny.current_dir(workspace::root()).args(["--manifest-path", manifest, "--locked", "--config", "deny.toml"]);
        process::run(deny.args(arguments))
    };
    for manifest in ["Cargo.toml", "web/Cargo.toml"] {
        check(manifest, &["check", "licenses", "bans", "sources"])?;
    }
    // The advisories come from a git repository that not every machine reaches.
    let mut fetch = process::command("timeout");
    fetch.current_dir(workspace::root()).arg("90").arg(&program).args(["--config", "deny.toml", "fetch", "db"]);
    if process::answer(&mut fetch).is_none() {
        eprintln!("advisories: skipped, their database can't be reached from here");
        return Ok(());
    }
    for manifest in ["Cargo.toml", "web/Cargo.toml"] {
        check(manifest, &["--offline", "check", "advisories"])?;
    }
    Ok(())
}

/// The pinned cargo-deny from the cache; built there on first use.
fn cargo_deny() -> Result<PathBuf> {
    let cache = workspace::cache()?;
    let place = cache.join(format!("tools/cargo-deny-{DENY_VERSION}"));
    let program = place.join("bin/cargo-deny");
    if program.is_file() {
        return Ok(program);
    }
    let _lock = setup::lock(&cache)?;
    eprintln!("cargo-deny {DENY_VERSION}: building it once, into {}; this takes several minutes", place.display());
    let partial = Partial::beside(&place)?;
    let build = partial.path().join("build");
    let mut cargo = process::cargo();
    cargo.args(["install", "--locked", "--version", DENY_VERSION, "cargo-deny", "--root"]).arg(partial.path());
    cargo.arg("--target-dir").arg(&build);
    process::run(&mut cargo).context("cargo-deny could not be installed")?;
    std::fs::remove_dir_all(&build).context("can't tidy up after the build of cargo-deny")?;
    partial.finish(&format!("cargo-deny=={DENY_VERSION}"))?;
    Ok(program)
}
