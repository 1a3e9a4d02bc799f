//! What a book file may cost: every bound that the reader keeps, and the meter that enforces them.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::error::BookError;

/// Bounds on a book file. All of them are inclusive; the defaults fit any real novel with room to spare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file itself, bytes. Default 100 MiB.
    pub file_bytes: u64,
    /// Sum of all that is unpacked from one archive, bytes, counted while inflating. Default 512 MiB.
    pub unpacked_bytes: u64,
    /// Entries of an archive. Default 10,000.
    pub entries: usize,
    /// How many times larger than its packed form one entry may become, counted while inflating and only
    /// from the first MiB on (short, repetitive pages pack very well). Default 200.
    pub entry_ratio: u64,
    /// Width times height of a cover, by its header: no picture is decoded. Default 64 million.
    pub cover_pixels: u64,
    /// Length of an entry's path, bytes. Default 1,024.
    pub path_bytes: usize,
    /// Nesting of elements, and of Markdown's blocks. Default 256.
    pub xml_depth: usize,
    /// Length of one start tag with its attributes, bytes. Default 64 KiB.
    pub attribute_bytes: usize,
    /// Time for the whole reading, looked at inside every loop that grows with the file. Default 60 s.
    pub time: Duration,
    /// Pages of a PDF. Default 5,000.
    pub pdf_pages: usize,
    /// Address space of the program that reads a PDF, bytes (on Linux). Default 1 GiB.
    pub pdf_memory_bytes: u64,
    /// What the program may print, words with their places, bytes. Default 512 MiB, some 4 million words.
    pub pdf_output_bytes: u64,
    /// The program that reads PDFs: a path, or a name to be found in `PATH`. Default `pdftotext`.
    pub pdftotext: PathBuf,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 100 << 20,
            unpacked_bytes: 512 << 20,
            entries: 10_000,
            entry_ratio: 200,
            cover_pixels: 64_000_000,
            path_bytes: 1024,
            xml_depth: 256,
            attribute_bytes: 64 << 10,
            time: Duration::from_secs(60),
            pdf_pages: 5000,
            pdf_memory_bytes: 1 << 30,
            pdf_output_bytes: 512 << 20,
            pdftotext: PathBuf::from("pdftotext"),
        }
    }
}

impl Limits {
    /// Where the program that reads PDFs is; nothing if it is not installed.
    pub fn pdf_reader(&self) -> Option<PathBuf> {
        let program = &self.pdftotext;
        if program.components().count() > 1 {
            return program.is_file().then(|| program.clone());
        }
        let folders = std::env::var_os("PATH")?;
        let paths = std::env::split_paths(&folders).map(|folder| folder.join(program));
        paths.filter(|path| path.is_absolute()).find(|path| path.is_file())
    }
}

/// The limits of one reading, with what it has used so far.
pub(crate) struct Meter<'a> {
    pub limits: &'a Limits,
    started: Instant,
    // A cell, so that the archive and the XML walk can share one meter without threading `&mut` through both.
    unpacked_bytes: Cell<u64>,
}

impl<'a> Meter<'a> {
    pub fn start(limits: &'a Limits) -> Self {
        Self { limits, started: Instant::now(), unpacked_bytes: Cell::new(0) }
    }

    /// Fails once the time is up. Cheap enough to call a few thousand times a second.
    pub fn check_time(&self) -> Result<(), BookError> {
        if self.started.elapsed() > self.limits.time {
            return Err(BookError::Timeout { limit_s: self.limits.time.as_secs() });
        }
        Ok(())
    }

    /// The time that is left.
    pub fn remaining(&self) -> Duration {
        self.limits.time.saturating_sub(self.started.elapsed())
    }

    /// Counts `bytes` more as unpacked.
    pub fn unpacked(&self, bytes: u64) -> Result<(), BookError> {
        let total = self.unpacked_bytes.get().saturating_add(bytes);
        self.unpacked_bytes.set(total);
        if total > self.limits.unpacked_bytes {
            return Err(BookError::UnpacksTooLarge { limit_bytes: self.limits.unpacked_bytes });
        }
        Ok(())
    }
}
