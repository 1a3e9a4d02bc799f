//! A zip archive, as EPUB and DOCX are: checked as a whole first, then unpacked entry by entry, under limits.

use std::collections::HashMap;
use std::io::{Cursor, ErrorKind, Read};
use std::ops::Range;

use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::BookError;
use crate::limits::Meter;

/// The ratio of an entry is looked at from here on, bytes: short pages may pack very well.
const RATIO_FROM_BYTES: u64 = 1 << 20;
/// So much is inflated between two looks at the limits, bytes.
const CHUNK_BYTES: usize = 64 << 10;
/// Every zip archive ends with a record that starts so, within the last 64 KiB and a bit.
const END_SIGNATURE: &[u8] = b"PK\x05\x06";

/// Endings of archives' names; one in another is none that a book needs.
const ARCHIVES: &[&str] = &["zip", "epub", "7z", "rar", "gz", "bz2", "xz", "zst", "tar", "jar"];

/// An archive whose names and entries keep to the rules.
pub(crate) struct Archive<'b> {
    zip: ZipArchive<Cursor<&'b [u8]>>,
    /// Path to index.
    names: HashMap<String, usize>,
}

impl<'b> Archive<'b> {
    /// Opens an archive and checks every entry's name and kind. Nothing is unpacked yet.
    pub fn open(bytes: &'b [u8], meter: &Meter<'_>) -> Result<Self, BookError> {
        let declared = declared_entries(bytes).ok_or(BookError::Truncated)?;
        // Before the directory is parsed: it may have a million entries.
        if declared > meter.limits.entries {
            return Err(BookError::TooManyEntries { entries: declared, limit: meter.limits.entries });
        }
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| unpack_error(&error, "its directory"))?;
        if zip.has_duplicate_names() {
            return Err(BookError::DuplicateEntry);
        }
        if zip.len() > meter.limits.entries {
            return Err(BookError::TooManyEntries { entries: zip.len(), limit: meter.limits.entries });
        }
        let mut names = HashMap::with_capacity(zip.len());
        let mut sizes = Sizes::default();
        for index in 0..zip.len() {
            meter.check_time()?;
            let entry = zip.by_index_raw(index).map_err(|error| unpack_error(&error, "its directory"))?;
            let path = std::str::from_utf8(entry.name_raw()).map_err(|_| BookError::NameNotUtf8)?;
            check_path(path, meter.limits.path_bytes)?;
            if entry.is_symlink() {
                return Err(BookError::Symlink { path: path.to_owned() });
            }
            if ARCHIVES.contains(&path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str()) {
                return Err(BookError::NestedArchive { path: path.to_owned() });
            }
            sizes.add(
                path,
                entry.header_start()..entry.header_start() + entry.compressed_size(),
                entry.size(),
                meter,
            )?;
            if names.insert(path.to_owned(), index).is_some() {
                return Err(BookError::DuplicateEntry);
            }
        }
        sizes.check_overlaps()?;
        Ok(Self { zip, names })
    }

    pub fn contains(&self, path: &str) -> bool {
        self.names.contains_key(path)
    }

    /// Unpacks one entry. Sizes are counted while inflating; what the archive declares is not believed.
    pub fn unpack(&mut self, path: &str, meter: &Meter<'_>) -> Result<Vec<u8>, BookError> {
        let &index = self.names.get(path).ok_or_else(|| BookError::Incomplete { part: path.to_owned() })?;
        let mut entry = self.zip.by_index(index).map_err(|error| unpack_error(&error, path))?;
        let packed = entry.compressed_size().max(1);
        let mut unpacked = Vec::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            meter.check_time()?;
            let count = match entry.read(&mut chunk) {
                Ok(0) => return Ok(unpacked),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(BookError::Truncated),
                Err(_) => return Err(BookError::Damaged { part: path.to_owned() }),
            };
            meter.unpacked(count as u64)?;
            unpacked.extend_from_slice(&chunk[..count]);
            let total = unpacked.len() as u64;
            if total > RATIO_FROM_BYTES && total / packed > meter.limits.entry_ratio {
                return Err(BookError::ZipBomb { href: path.to_owned(), limit: meter.limits.entry_ratio });
            }
        }
    }
}

/// What the directory declares of its entries' sizes: a bomb that admits to be one is refused before anything is
/// unpacked; one that does not, while it inflates.
#[derive(Default)]
struct Sizes {
    unpacked_bytes: u64,
    /// Where each entry lies in the file, with its path.
    places: Vec<(Range<u64>, String)>,
}

impl Sizes {
    fn add(&mut self, path: &str, place: Range<u64>, size: u64, meter: &Meter<'_>) -> Result<(), BookError> {
        let packed = (place.end - place.start).max(1);
        if size > RATIO_FROM_BYTES && size / packed > meter.limits.entry_ratio {
            return Err(BookError::ZipBomb { href: path.to_owned(), limit: meter.limits.entry_ratio });
        }
        self.unpacked_bytes = self.unpacked_bytes.saturating_add(size);
        if self.unpacked_bytes > meter.limits.unpacked_bytes {
            return Err(BookError::UnpacksTooLarge { limit_bytes: meter.limits.unpacked_bytes });
        }
        self.places.push((place, path.to_owned()));
        Ok(())
    }

    /// Entries that share their bytes are how small files become large ones.
    fn check_overlaps(mut self) -> Result<(), BookError> {
        self.places.sort_by_key(|(place, _)| place.start);
        match self.places.array_windows().find(|[(a, _), (b, _)]| a.end > b.start) {
            Some([_, (_, path)]) => Err(BookError::OverlappingEntries { path: path.clone() }),
            None => Ok(()),
        }
    }
}

/// The number of entries by the archive's end record; nothing if there is no such record.
fn declared_entries(bytes: &[u8]) -> Option<usize> {
    let tail = &bytes[bytes.len().saturating_sub(22 + usize::from(u16::MAX))..];
    let at = tail.windows(END_SIGNATURE.len()).rposition(|window| window == END_SIGNATURE)?;
    let count = tail.get(at + 10..at + 12)?;
    Some(usize::from(u16::from_le_bytes([count[0], count[1]])))
}

/// An entry must lie below the archive's root.
fn check_path(path: &str, limit_bytes: usize) -> Result<(), BookError> {
    if path.len() > limit_bytes {
        return Err(BookError::PathTooLong { limit_bytes });
    }
    let drive = path.as_bytes().get(1) == Some(&b':');
    let escapes = path.starts_with('/')
        || path.contains('\\')
        || path.contains(char::is_control)
        || path.split('/').any(|part| part == "..");
    if drive || escapes || path.is_empty() {
        return Err(BookError::UnsafePath { path: path.escape_debug().to_string() });
    }
    Ok(())
}

fn unpack_error(error: &ZipError, part: &str) -> BookError {
    match error {
        ZipError::UnsupportedArchive(message) if *message == ZipError::PASSWORD_REQUIRED => BookError::Encrypted,
        ZipError::Io(error) if error.kind() == ErrorKind::UnexpectedEof => BookError::Truncated,
        _ => BookError::Damaged { part: part.to_owned() },
    }
}
