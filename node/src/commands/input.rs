//! A book file that a command was given.

use std::path::Path;

use crate::commands::Failure;

/// Reads the file, once it is known not to be larger than any book may be.
pub(crate) fn bytes(path: &Path, limits: &book::Limits) -> Result<Vec<u8>, Failure> {
    let bad = |e: std::io::Error| Failure::bad_input(format!("{} can't be read: {e}", path.display()));
    let size = std::fs::metadata(path).map_err(bad)?;
    if size.is_dir() {
        return Err(Failure::bad_input(format!("{} is a folder, and a book is needed", path.display())));
    }
    if size.len() > limits.file_bytes {
        let most = limits.file_bytes >> 20;
        let message = format!("{} is larger than {most} MiB (gateway.upload_limit_mib)", path.display());
        return Err(Failure::bad_input(message));
    }
    std::fs::read(path).map_err(bad)
}

/// The file's name, without folders.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Why a file is no book, with the code to look up.
pub(crate) fn refused(path: &Path, error: &book::BookError) -> Failure {
    Failure::bad_input(format!("{}: {error} ({})", path.display(), error.code()))
}

/// Writes a file whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write;
    let write = || {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".part");
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    };
    write().map_err(|e: std::io::Error| Failure::new(format!("{} can't be written: {e}", path.display())))
}
