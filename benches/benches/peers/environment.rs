//! The throw-away environment that holds the Python peers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use domain::id::Digest;

const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/queues.txt");

/// The interpreter of an environment with these requirements, made if there is none: a download of about 100 MB.
pub fn python() -> Result<PathBuf> {
    let requirements = fs::read(REQUIREMENTS).with_context(|| format!("reading {REQUIREMENTS}"))?;
    let name = format!("queues-{}", &Digest::of(&requirements).to_string()[..16]);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let python = folder.join("bin/python");
    let made = folder.join("made");
    if !made.exists() {
        println!("making an environment for Ray, dramatiq and Celery in {} (once) …", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--requirement", REQUIREMENTS]);
        run(&mut pip)?;
        fs::write(&made, "")?;
    }
    Ok(python)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("starting {command:?}"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}
