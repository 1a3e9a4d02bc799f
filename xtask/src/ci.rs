//! `cargo xtask ci`: every check that is not a test.

use anyhow::Result;

use crate::process::{self, Steps};
use crate::setup::{self, Ready, system::Needs};
use crate::{tidy, tools, web, workspace};

/// The pinned cargo-deny.
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
    let program = tools::program("cargo-deny", DENY_VERSION)?;
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
