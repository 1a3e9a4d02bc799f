//! `cargo xtask run`: from a fresh clone to a running product.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::setup::{self, system::Needs};
use crate::{partial, process, samples, web, workspace};

/// What a release build writes beside the downloads, with room to spare.
const BUILD_BYTES: u64 = 3_000_000_000;

/// `cargo xtask run`.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    #[command(flatten)]
    setup: setup::Options,
    /// Port on loopback
    #[arg(long)]
    port: Option<u16>,
    /// Folder for books, runs and results (default: the user's data folder)
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Sets up, builds what changed, and becomes `visiobook serve`.
///
/// # Errors
/// The first step that fails; `visiobook` itself answers for the rest.
pub fn command(options: &Options) -> Result<()> {
    let binary = workspace::target().join("release/visiobook");
    let ready = setup::set_up(&options.setup, Needs { downloads: false, web: true, browser: false })?;
    if !binary.is_file() {
        partial::need_space(&workspace::target(), BUILD_BYTES, "the release build")?;
    }
    let dist = web::build(&web::Options { dev: false })?;
    let books = samples::make_all()?;
    process::run(ready.cargo().args(["build", "--release", "--locked", "--package", "node"]))
        .context("the release build failed")?;

    let mut serve = process::command(&binary);
    if ready.model_is_named {
        serve.env("VISIOBOOK__MODEL__PATH", &ready.model);
    }
    serve.arg("serve").arg("--web-dist").arg(dist);
    if let Some(port) = options.port {
        serve.arg("--port").arg(port.to_string());
    }
    if let Some(folder) = &options.data_dir {
        serve.arg("--data-dir").arg(folder);
    }
    for book in books {
        serve.arg("--demo").arg(book);
    }
    // Ctrl-C and the exit code are then the product's own.
    let error = serve.exec();
    Err(error).with_context(|| format!("can't start {}", binary.display()))
}
