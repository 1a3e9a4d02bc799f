//! The data folder of one machine: a lock, a database, blobs.
//!
//! ```text
//! LOCK              who has the folder; the lock itself is the kernel's, the text is for people
//! records.sqlite    the records (and, while open, its -wal and -shm)
//! keys              signing keys, for their owner only; not there where the environment holds them
//! blobs/            objects/TENANT/PROJECT/DIGEST, and incoming/ for what is being written
//! ```

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::FlockOperation;

use crate::blobs::Blobs;
use crate::error::{Holder, StoreError};
use crate::fs::FsBlobs;
use crate::keyring::Keyring;
use crate::records::{Records, StoreIdentity};
use crate::sqlite::Sqlite;

/// Name of the lock file.
const LOCK_FILE: &str = "LOCK";
/// Name of the file of signing keys.
const KEYS_FILE: &str = "keys";
/// A lock file says two short lines; what is longer is not ours.
const LOCK_TEXT_MAX_BYTES: u64 = 4_096;
/// Until when every call on the embedded stores ends, unless told otherwise.
pub const DEADLINE_MS: u64 = 5_000;

/// One machine's stores, locked for this process.
///
/// The folder stays locked until this and every handle that it gave out are dropped.
pub struct DataFolder {
    path: PathBuf,
    identity: StoreIdentity,
    records: Arc<Sqlite>,
    blobs: Arc<FsBlobs>,
}

impl DataFolder {
    /// Opens the stores in `path`, making what is missing, with [`DEADLINE_MS`]. Blocks while it locks,
    /// migrates and sweeps, so it is for start-up or a blocking thread.
    ///
    /// # Errors
    /// [`StoreError::PathIsFile`], [`StoreError::Unwritable`], [`StoreError::InUse`] with the holder,
    /// [`StoreError::Foreign`], [`StoreError::SchemaNewer`], [`StoreError::Full`] and their like; each
    /// says what to do. Nothing half-made is left in the way of a later try.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with_deadline(path, Duration::from_millis(DEADLINE_MS))
    }

    /// The same, with a deadline of the caller's for each call on the stores.
    pub fn open_with_deadline(path: impl AsRef<Path>, deadline: Duration) -> Result<Self, StoreError> {
        let lock = Arc::new(FolderLock::take(path.as_ref())?);
        let records = Sqlite::open(Arc::clone(&lock), deadline)?;
        let blobs = FsBlobs::open(Arc::clone(&lock), deadline)?;
        Ok(Self {
            path: lock.folder().to_owned(),
            identity: records.identity(),
            records: Arc::new(records),
            blobs: Arc::new(blobs),
        })
    }

    /// Versions of the schema of the folder's records: as it is, 0 where there are none yet, and the newest that this
    /// program knows. Nothing is changed. Blocks.
    ///
    /// # Errors
    /// [`StoreError::InUse`], [`StoreError::Foreign`], [`StoreError::Corrupt`].
    pub fn schema(path: impl AsRef<Path>) -> Result<(u32, u32), StoreError> {
        let lock = FolderLock::take(path.as_ref())?;
        crate::sqlite::migrate::look(&lock.folder().join(crate::sqlite::DATABASE_FILE))
    }

    /// Where it is, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What store it is.
    pub fn identity(&self) -> StoreIdentity {
        self.identity
    }

    /// The file of its signing keys.
    pub fn keys_path(&self) -> PathBuf {
        self.path.join(KEYS_FILE)
    }

    /// Its signing keys: those of `environment` where it holds any, else those of the folder's own file,
    /// which is made if there is none. Blocks.
    ///
    /// # Errors
    /// As [`Keyring::open`] and [`Keyring::from_text`].
    pub fn keyring(&self, environment: Option<&str>) -> Result<Keyring, StoreError> {
        match environment {
            Some(text) => Keyring::from_text(text),
            None => Keyring::open(&self.keys_path()),
        }
    }

    /// Its records.
    pub fn records(&self) -> Arc<dyn Records> {
        Arc::clone(&self.records) as Arc<dyn Records>
    }

    /// Its blobs.
    pub fn blobs(&self) -> Arc<dyn Blobs> {
        Arc::clone(&self.blobs) as Arc<dyn Blobs>
    }
}

/// The exclusive lock of a data folder. The kernel drops it when the process ends, however it ends.
pub(crate) struct FolderLock {
    folder: PathBuf,
    _file: File,
}

impl FolderLock {
    /// The folder that is locked, absolute.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn take(path: &Path) -> Result<Self, StoreError> {
        make_folder(path)?;
        let io = |e: std::io::Error| StoreError::from_io_at("opening the data folder", path, &e);
        let folder = path.canonicalize().map_err(io)?;
        // Not truncated on opening: the text belongs to the holder until the lock is ours.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join(LOCK_FILE))
            .map_err(io)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(StoreError::InUse { path: folder, holder: holder(&mut file) });
            }
            Err(error) => return Err(io(error.into())),
        }
        let program = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
        let program = program.file_name().unwrap_or_default().to_string_lossy();
        file.set_len(0).map_err(io)?;
        file.write_all(format!("pid {}\nprogram {program}\n", std::process::id()).as_bytes()).map_err(io)?;
        Ok(Self { folder, _file: file })
    }
}

/// Makes the folder and its missing parents, for their owner only, so that a crash does not lose them.
pub(crate) fn make_folder(path: &Path) -> Result<(), StoreError> {
    let io = |at: &Path, e: &std::io::Error| StoreError::from_io_at("making the data folder", at, e);
    match path.metadata() {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => return Err(StoreError::PathIsFile { path: path.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) if error.kind() == ErrorKind::NotADirectory => return Err(file_in_the_way(path)),
        Err(error) => return Err(io(path, &error)),
    }
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Err(StoreError::Unwritable { path: path.to_owned(), detail: "no such folder".into() }),
    };
    if parent != Path::new(".") {
        make_folder(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => sync_folder(parent),
        // Somebody else was faster; the lock decides between us.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(io(path, &error)),
    }
}

/// The nearest ancestor that is a file.
fn file_in_the_way(path: &Path) -> StoreError {
    let file = path.ancestors().find(|ancestor| ancestor.is_file()).unwrap_or(path);
    StoreError::PathIsFile { path: file.to_owned() }
}

/// Who holds the lock, as far as the file says.
fn holder(file: &mut File) -> Holder {
    let mut text = String::new();
    // Whatever can't be read is not said; that the folder is in use is known anyway.
    let _ = file.take(LOCK_TEXT_MAX_BYTES).read_to_string(&mut text);
    let line = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
    Holder {
        pid: line("pid ").and_then(|pid| pid.parse().ok()),
        program: line("program ").unwrap_or("unnamed").to_owned(),
    }
}

/// Makes a folder's entries durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|e| StoreError::from_io_at("syncing a folder", path, &e))
}
