//! The rules of the house that no other tool knows.
//!
//! Each rule reads and complains; none repairs. A complaint names the file, the line and the rule.

mod arrows;
mod links;
mod source;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{process, workspace};

/// One breach of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Complaint {
    /// Relative to the checkout.
    pub file: String,
    /// From 1; 0 where a whole file or crate is meant.
    pub line: usize,
    /// What is wrong, and the limit.
    pub what: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.file, self.what),
            line => write!(out, "{}:{line}: {}", self.file, self.what),
        }
    }
}

/// `cargo xtask tidy`.
///
/// # Errors
/// The number of complaints, which are printed before.
pub fn command() -> Result<()> {
    let root = workspace::root();
    let mut complaints = arrows::check(&root)?;
    let files = files(&root)?;
    for file in &files {
        let ending = file.extension().and_then(|ending| ending.to_str());
        if !matches!(ending, Some("rs" | "md")) {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(root.join(file)) else { continue };
        let name = file.to_string_lossy();
        match ending {
            Some("rs") => complaints.extend(source::check(&name, &text)),
            _ => complaints.extend(links::check(&root, &name, &text)),
        }
    }
    complaints.sort();
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    if !complaints.is_empty() {
        bail!("{} breaches of the rules of the house", complaints.len());
    }
    eprintln!("tidy: {} files keep the rules of the house", files.len());
    Ok(())
}

/// Every file that git tracks, or would if it were added.
fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut git = process::command("git");
    git.current_dir(root).args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
    let list = process::answer(&mut git).context("git can't list the checkout's files")?;
    Ok(list
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .filter(|file| root.join(file).is_file())
        .collect())
}
