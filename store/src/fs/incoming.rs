//! Temporary objects: where they lie, which are in use, and how the rest is swept.
//!
//! ```text
//! incoming/LIFE/N          a blob that is written and not yet named
//! incoming/LIFE/parts/N.*  the file below it, until it is synced (opendal's `atomic_write_dir`)
//! ```
//!
//! LIFE is this process's; the folder is locked, so every other one is of a process that is gone.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

/// Name of the folder, in the root of the blobs.
const INCOMING: &str = "incoming";
/// Name of the folder for opendal's own temporaries.
const PARTS: &str = "parts";

/// The temporaries of one life of one process.
pub(super) struct Incoming {
    /// `incoming`, absolute.
    folder: PathBuf,
    life: String,
    names: Arc<Mutex<Names>>,
}

#[derive(Default)]
struct Names {
    last: u64,
    in_use: BTreeSet<u64>,
}

/// A temporary that is being written; from its drop on it may be swept.
pub(super) struct Temporary {
    name: u64,
    /// Its key, for opendal.
    pub(super) key: String,
    names: Arc<Mutex<Names>>,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).in_use.remove(&self.name);
    }
}

impl Incoming {
    /// Makes the folders. Blocks.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let incoming =
            Self { folder: root.join(INCOMING), life: Uuid::new_v4().simple().to_string(), names: Arc::default() };
        fs::create_dir_all(incoming.parts())?;
        Ok(incoming)
    }

    /// Where opendal writes before it renames.
    pub(super) fn parts(&self) -> PathBuf {
        self.folder.join(&self.life).join(PARTS)
    }

    /// A name that was never used.
    pub(super) fn begin(&self) -> Temporary {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.last += 1;
        let name = names.last;
        names.in_use.insert(name);
        Temporary { name, key: format!("{INCOMING}/{}/{name}", self.life), names: Arc::clone(&self.names) }
    }

    /// Removes the temporaries that nobody writes any more; how many files those were. Blocks.
    pub(super) fn sweep(&self) -> io::Result<u64> {
        let mut removed = 0;
        for entry in entries(&self.folder)? {
            if entry.file_name() == OsStr::new(&self.life) {
                removed += self.sweep_idle(&entry.path())? + self.sweep_idle(&self.parts())?;
            } else if entry.file_type()?.is_dir() {
                removed += count_files(&entry.path())?;
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn sweep_idle(&self, folder: &Path) -> io::Result<u64> {
        let mut removed = 0;
        for entry in entries(folder)? {
            if entry.file_type().is_ok_and(|kind| kind.is_file()) && !self.is_in_use(&entry.file_name()) {
                match fs::remove_file(entry.path()) {
                    Ok(()) => removed += 1,
                    // Published since it was listed.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(removed)
    }

    /// Files are named `N` or, by opendal, `N.random`.
    fn is_in_use(&self, file: &OsStr) -> bool {
        let name = file.to_str().and_then(|file| file.split('.').next()).and_then(|name| name.parse().ok());
        name.is_some_and(|name| self.names.lock().unwrap_or_else(PoisonError::into_inner).in_use.contains(&name))
    }
}

fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    fs::read_dir(folder)?.collect()
}

fn count_files(folder: &Path) -> io::Result<u64> {
    let mut files = 0;
    for entry in entries(folder)? {
        files += if entry.file_type()?.is_dir() { count_files(&entry.path())? } else { 1 };
    }
    Ok(files)
}
