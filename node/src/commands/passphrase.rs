//! Where the passphrase of a backup's keys comes from: a file or the environment, never the command line, which others
//! on the machine can read.

use std::path::{Path, PathBuf};

use store::backup::PASSPHRASE_MIN_CHARS;

use super::Failure;

/// Environment variable that may hold the passphrase.
pub const VARIABLE: &str = "VISIOBOOK_PASSPHRASE";
/// Longest file that is read.
const FILE_MAX_BYTES: u64 = 4_096;

/// Options of commands that take a passphrase.
#[derive(clap::Args)]
pub struct Options {
    /// File whose first line is the passphrase of the signing keys [default: the environment's VISIOBOOK_PASSPHRASE]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Options {
    /// The passphrase, if there is one.
    ///
    /// # Errors
    /// Exit code 2 for a file that can't be read, or a passphrase that can be guessed.
    pub fn read(&self) -> Result<Option<String>, Failure> {
        let found = match &self.passphrase_file {
            Some(path) => Some(first_line(path, "passphrase")?),
            None => std::env::var(VARIABLE).ok().filter(|text| !text.is_empty()),
        };
        if found.as_ref().is_some_and(|text| text.chars().count() < PASSPHRASE_MIN_CHARS) {
            return Err(store::backup::BackupError::PassphraseShort.into());
        }
        Ok(found)
    }
}

/// The first line of a file that holds a secret.
///
/// # Errors
/// Exit code 2 for a file that can't be read, or is none of a few words.
pub(super) fn first_line(path: &Path, what: &str) -> Result<String, Failure> {
    let bad = |why: String| Failure::bad_input(format!("the {what} in {} can't be read: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|e| bad(e.to_string()))?.len();
    if size > FILE_MAX_BYTES {
        return Err(bad(format!("the file is longer than {FILE_MAX_BYTES} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
