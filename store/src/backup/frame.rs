//! The two ends of an archive, and the digest over all of it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

use domain::id::Digest;
use sha2::{Digest as _, Sha256};

use super::{BackupError, FORMAT, Progress};

/// zstd's skippable frames (RFC 8878, section 3.1.2): a magic number, a length, anything.
const HEADER_MAGIC: [u8; 4] = 0x184d_2a5e_u32.to_le_bytes();
const TRAILER_MAGIC: [u8; 4] = 0x184d_2a5f_u32.to_le_bytes();
const TITLE: &str = "visiobook-backup ";
const END: &[u8] = b"visiobook-backup-end ";
/// Longest header: ours is shorter, a later format's may say more.
const HEADER_TEXT_MAX_BYTES: u32 = 4_096;
/// Bytes of the trailer frame.
const TRAILER_BYTES: usize = 8 + END.len() + 32;
const PIECE_BYTES: usize = 1 << 20;

pub(super) fn header() -> Vec<u8> {
    let text = format!("{TITLE}{FORMAT}\n");
    [HEADER_MAGIC.as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

fn trailer(digest: Digest) -> [u8; TRAILER_BYTES] {
    let mut out = [0; TRAILER_BYTES];
    let parts = [&TRAILER_MAGIC, &((TRAILER_BYTES - 8) as u32).to_le_bytes()[..], END, &digest.0].concat();
    out.copy_from_slice(&parts);
    out
}

/// Writes on, and digests what passes.
pub(super) struct Hashed<W> {
    inner: W,
    hasher: Sha256,
    pub(super) bytes: u64,
}

impl<W: Write> Hashed<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, hasher: Sha256::new(), bytes: 0 }
    }

    /// Writes the trailer; size and digest of the whole file.
    pub(super) fn end(mut self) -> std::io::Result<(u64, Digest)> {
        let digest = Digest(self.hasher.clone().finalize().into());
        self.write_all(&trailer(digest))?;
        self.flush()?;
        Ok((self.bytes, digest))
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// Looks at an archive as it passes: whether it came whole.
#[derive(Default)]
pub struct Tail {
    /// Digests all but the last bytes, which may be the trailer.
    hasher: Sha256,
    held: Vec<u8>,
}

impl Tail {
    /// Takes the next bytes.
    pub fn take(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        let surplus = self.held.len().saturating_sub(TRAILER_BYTES);
        self.hasher.update(&self.held[..surplus]);
        self.held.drain(..surplus);
    }

    /// The digest, if the last bytes were the trailer that belongs to all before them.
    ///
    /// # Errors
    /// [`BackupError::Truncated`], [`BackupError::Damaged`].
    pub fn end(self) -> Result<Digest, BackupError> {
        let digest = Digest(self.hasher.finalize().into());
        is_end(&self.held, digest)
    }
}

fn is_end(last: &[u8], digest: Digest) -> Result<Digest, BackupError> {
    let wanted = trailer(digest);
    let label = TRAILER_BYTES - 32;
    if last.len() != TRAILER_BYTES || last[..label] != wanted[..label] {
        return Err(BackupError::Truncated);
    }
    if last != wanted {
        return Err(BackupError::damaged("its bytes have another digest than its end says"));
    }
    Ok(digest)
}

/// An archive that was held against its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Where the body lies in the file.
    pub(super) body: Range<u64>,
    /// Digest over all but the trailer.
    pub digest: Digest,
    /// Size of the file.
    pub bytes: u64,
}

/// Reads an archive once and holds it against the digest at its end. Nothing of it is unpacked. Blocks.
///
/// # Errors
/// [`BackupError::NotABackup`], [`BackupError::Newer`], [`BackupError::Truncated`], [`BackupError::Damaged`].
pub fn check(path: &Path, progress: &Progress) -> Result<Checked, BackupError> {
    let io = |e: std::io::Error| BackupError::io("reading the backup", &e);
    let mut file = File::open(path).map_err(io)?;
    let bytes = file.metadata().map_err(io)?.len();
    progress.total_bytes.store(bytes, std::sync::atomic::Ordering::Relaxed);
    let start = read_header(&mut file, path)?;
    let end = bytes.checked_sub(TRAILER_BYTES as u64).filter(|end| *end >= start).ok_or(BackupError::Truncated)?;
    // The end first: of a large file that was cut off this is known at once.
    let mut last = [0; TRAILER_BYTES];
    file.seek(SeekFrom::Start(end)).and_then(|_| file.read_exact(&mut last)).map_err(io)?;
    let label = TRAILER_BYTES - 32;
    if last[..label] != trailer(Digest([0; 32]))[..label] {
        return Err(BackupError::Truncated);
    }
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    let mut hasher = Sha256::new();
    let mut rest = file.take(end);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match rest.read(&mut piece).map_err(io)? {
            0 => break,
            read => {
                hasher.update(&piece[..read]);
                Progress::add(&progress.checked_bytes, read);
            }
        }
    }
    let digest = is_end(&last, Digest(hasher.finalize().into()))?;
    Ok(Checked { body: start..end, digest, bytes })
}

/// Reads the header; where the body starts.
fn read_header(file: &mut File, path: &Path) -> Result<u64, BackupError> {
    let stranger = || BackupError::NotABackup { path: path.to_owned() };
    let io = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => stranger(),
        _ => BackupError::io("reading the backup", &e),
    };
    let mut start = [0; 8];
    file.read_exact(&mut start).map_err(io)?;
    let [a, b, c, d, length @ ..] = start;
    let length = u32::from_le_bytes(length);
    if [a, b, c, d] != HEADER_MAGIC || length > HEADER_TEXT_MAX_BYTES {
        return Err(stranger());
    }
    let mut text = vec![0; length as usize];
    file.read_exact(&mut text).map_err(io)?;
    let text = std::str::from_utf8(&text).map_err(|_| stranger())?;
    let number = text.strip_prefix(TITLE).and_then(|rest| rest.split(['\n', ' ']).next());
    match number.and_then(|number| number.parse::<u32>().ok()) {
        Some(0) | None => Err(stranger()),
        Some(found) if found > FORMAT => Err(BackupError::Newer { found, known: FORMAT }),
        Some(_) => Ok(8 + u64::from(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_that_passes_in_any_pieces_is_known_to_be_whole() {
        let mut file = Vec::new();
        let mut hashed = Hashed::new(&mut file);
        hashed.write_all(&header()).unwrap();
        hashed.write_all(&[7; 1_000]).unwrap();
        let (bytes, digest) = hashed.end().unwrap();
        assert_eq!(bytes, file.len() as u64);
        for piece in [1, 7, 60, 5_000] {
            let mut tail = Tail::default();
            file.chunks(piece).for_each(|bytes| tail.take(bytes));
            assert_eq!(tail.end(), Ok(digest), "{piece}");
        }
        let mut cut = Tail::default();
        cut.take(&file[..file.len() - 1]);
        assert_eq!(cut.end(), Err(BackupError::Truncated));
        file[100] ^= 1;
        let mut changed = Tail::default();
        changed.take(&file);
        assert!(matches!(changed.end(), Err(BackupError::Damaged { .. })));
    }
}
