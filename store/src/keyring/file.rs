//! The file of the keys: read only where nobody else can read it, replaced whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::malformed;
use crate::error::StoreError;
use crate::folder::sync_folder;

/// A ring is far shorter; what is longer is none, and is not read into memory.
const FILE_MAX_BYTES: u64 = 64 << 10;
/// Every permission but the owner's.
const OTHERS: u32 = 0o077;

/// The text of the file; `None` if there is no file.
///
/// The permissions are those of the file that was opened, so that nothing can be put in its place between
/// the look and the reading. A link is not followed: it would say nothing of who put its target there.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<String>>, StoreError> {
    const OPERATION: &str = "reading the signing keys";
    let io = |e: &std::io::Error| StoreError::from_io_at(OPERATION, path, e);
    let flags = rustix::fs::OFlags::NOFOLLOW.union(rustix::fs::OFlags::NONBLOCK).bits() as i32;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            return Err(malformed(format!("{} is a link", path.display())));
        }
        Err(error) => return Err(io(&error)),
    };
    let meta = file.metadata().map_err(|e| io(&e))?;
    if !meta.is_file() || meta.len() > FILE_MAX_BYTES {
        return Err(malformed(format!("{} is no file of keys", path.display())));
    }
    let mode = meta.mode() & 0o777;
    let owner = rustix::process::geteuid();
    if mode & OTHERS != 0 || (meta.uid() != owner.as_raw() && !owner.is_root()) {
        return Err(StoreError::KeysExposed { path: path.to_owned(), mode });
    }
    // Room for all of it at once: a string that grows leaves its old bytes behind.
    let mut text = Zeroizing::new(String::with_capacity(meta.len() as usize + 1));
    match file.take(FILE_MAX_BYTES).read_to_string(&mut text) {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(malformed(format!("{} is not text", path.display())))
        }
        Err(error) => Err(io(&error)),
    }
}

/// Writes the file beside its place for its owner only, syncs it, puts it there and syncs the folder: a
/// reader, or whoever starts after a crash, finds the old text or the new one.
pub(super) fn write(path: &Path, text: &str) -> Result<(), StoreError> {
    let io = |e: std::io::Error| StoreError::from_io_at("writing the signing keys", path, &e);
    let beside = path.with_extension("new");
    // What a crash left there may have any mode: it goes, and is not written into.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&beside, path)) {
        let _ = fs::remove_file(&beside);
        return Err(io(error));
    }
    sync_folder(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}
