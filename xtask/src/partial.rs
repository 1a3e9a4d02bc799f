//! A folder in the making: filled beside its place and moved there whole, or removed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The file that says what a finished folder was made from.
const STAMP: &str = ".made-from";
const MARK: &str = ".partial-";

/// A temporary sibling of the folder that it becomes. Dropped before [`Partial::finish`], it is removed.
#[must_use]
pub struct Partial {
    at: PathBuf,
    destination: PathBuf,
    finished: bool,
}

impl Partial {
    /// Starts over with an empty folder, and removes what earlier starts that were cut off left there.
    ///
    /// Whoever calls this holds the cache's lock, so the others are dead; but a downloader that outlived one of them
    /// may still write, so each start has a folder of its own name.
    ///
    /// # Errors
    /// Fails where the parent folder can't be written.
    pub fn beside(destination: &Path) -> Result<Self> {
        remove_leftovers(destination)?;
        let at = destination.with_file_name(format!("{}{}", marked(destination), std::process::id()));
        fs::create_dir_all(&at).with_context(|| format!("can't make the folder {}", at.display()))?;
        Ok(Self { at, destination: destination.to_path_buf(), finished: false })
    }

    /// Where to put the content.
    pub fn path(&self) -> &Path {
        &self.at
    }

    /// Stamps the content, brings it to the disk and moves it to its place, where it replaces an older one.
    ///
    /// # Errors
    /// Fails where the disk does; then nothing stands in that place.
    pub fn finish(mut self, made_from: &str) -> Result<()> {
        let place = self.destination.display().to_string();
        let shut = |error: std::io::Error| anyhow::Error::new(error).context(format!("can't complete {place}"));
        fs::write(self.at.join(STAMP), format!("{made_from}\n")).map_err(shut)?;
        // One sync of the file system: a power cut after the rename must not leave ten thousand empty headers.
        let folder = fs::File::open(&self.at).map_err(shut)?;
        rustix::fs::syncfs(&folder).map_err(|error| shut(error.into()))?;
        remove(&self.destination)?;
        fs::rename(&self.at, &self.destination).map_err(shut)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.finished {
            // Best effort: the next start removes what can't be removed now.
            drop(fs::remove_dir_all(&self.at));
        }
    }
}

/// Whether a finished folder stands there, made from just that.
pub fn is_made_from(folder: &Path, made_from: &str) -> bool {
    stamp(folder).is_some_and(|stamp| stamp == made_from)
}

/// What the folder was made from; `None` for a folder that xtask did not make.
pub fn stamp(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join(STAMP)).ok().map(|text| text.trim().to_owned())
}

/// Fails in one sentence where the file system of `folder` has less than `bytes` free.
///
/// # Errors
/// Too little space, or no such file system.
pub fn need_space(folder: &Path, bytes: u64, what: &str) -> Result<()> {
    let mut standing = folder;
    while !standing.exists() {
        standing = standing.parent().context("the cache folder has no parent")?;
    }
    let system =
        rustix::fs::statvfs(standing).with_context(|| format!("can't ask for the space in {}", standing.display()))?;
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    if free < bytes {
        bail!(
            "{what} needs {} of free disk in {}, which has {}: free some, or name another place in VISIOBOOK_CACHE",
            megabytes(bytes),
            folder.display(),
            megabytes(free)
        );
    }
    Ok(())
}

/// A size for people.
pub fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

/// How the names of all temporary siblings of a folder start.
fn marked(destination: &Path) -> String {
    format!("{}{MARK}", destination.file_name().unwrap_or_default().to_string_lossy())
}

fn remove_leftovers(destination: &Path) -> Result<()> {
    let (Some(parent), start) = (destination.parent(), marked(destination)) else { return Ok(()) };
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&start) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> tempfile::TempDir {
        tempfile::tempdir().expect("a temporary folder")
    }

    #[test]
    fn a_folder_appears_whole_and_stamped_or_not_at_all() {
        let scratch = scratch();
        let place = scratch.path().join("thing-1.0");
        let half = Partial::beside(&place).expect("started");
        fs::write(half.path().join("a"), "a").expect("written");
        drop(half);
        assert_eq!(fs::read_dir(scratch.path()).expect("listed").count(), 0, "a given-up folder leaves nothing");

        let whole = Partial::beside(&place).expect("started");
        fs::write(whole.path().join("b"), "b").expect("written");
        assert!(!place.exists());
        whole.finish("sha256:1").expect("finished");
        assert!(place.join("b").exists() && is_made_from(&place, "sha256:1") && !is_made_from(&place, "sha256:2"));
    }

    #[test]
    fn a_start_after_a_kill_starts_over() {
        let scratch = scratch();
        let place = scratch.path().join("thing-1.0");
        let killed = Partial::beside(&place).expect("started");
        fs::write(killed.path().join("half"), "h").expect("written");
        let other = scratch.path().join("thing-1.0.partial-1");
        fs::rename(killed.path(), &other).expect("as if another process had made it");
        std::mem::forget(killed);

        Partial::beside(&place).expect("started over").finish("x").expect("finished");
        assert!(!place.join("half").exists());
        assert_eq!(fs::read_dir(scratch.path()).expect("listed").count(), 1);
    }

    #[test]
    fn too_little_space_is_one_sentence_with_both_sizes() {
        let error =
            need_space(&scratch().path().join("not/yet"), u64::MAX, "the model").expect_err("no disk is that big");
        let text = error.to_string();
        assert!(
            text.starts_with("the model needs ") && text.contains("VISIOBOOK_CACHE") && !text.contains('\n'),
            "{text}"
        );
    }
}
