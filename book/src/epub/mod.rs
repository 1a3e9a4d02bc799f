//! EPUB.

mod archive;

use crate::assemble::Draft;
use crate::error::BookError;
use crate::limits::Meter;

pub(crate) use archive::Archive;

/// Reads an EPUB.
pub(crate) fn read(bytes: &[u8], meter: &Meter<'_>) -> Result<Draft, BookError> {
    let mut archive = Archive::open(bytes, meter)?;
    if !archive.contains("META-INF/container.xml") {
        return Err(BookError::NotABook { looks_like: "a zip archive" });
    }
    archive.unpack("META-INF/container.xml", meter)?;
    Err(BookError::Incomplete { part: "a package".to_owned() })
}
