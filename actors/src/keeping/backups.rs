//! An archive of all that a core keeps, made while the node runs.
//!
//! The archive is made on a blocking thread and goes out as it is made: nothing of it is kept here, so a backup needs
//! no room on the node's own disk.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cluster::body::Fault;
use cluster::bulk::ByteStream;
use domain::health::Jobs;
use store::backup::{BackupError, Passphrase, Source, pack};
use store::{Blobs, Keyring, Records};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use zeroize::Zeroizing;

use super::jobs::{JobBoard, JobKind, Running};
use crate::clock::wall_ms;

/// Bytes of a piece.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces that wait for whoever takes the archive.
const PIECES_AHEAD: usize = 8;
/// How long they may wait: a backup holds all blobs, so one that nobody takes is given up.
const STALL: Duration = Duration::from_secs(60);

/// Makes backups, one at a time.
pub struct Backups {
    records: Arc<dyn Records>,
    blobs: Arc<dyn Blobs>,
    keys: Arc<Keyring>,
    program: String,
    jobs: JobBoard,
    one: Arc<Semaphore>,
}

impl Backups {
    /// Backups of these stores and keys, made by this version of the program.
    pub fn new(
        records: Arc<dyn Records>,
        blobs: Arc<dyn Blobs>,
        keys: Arc<Keyring>,
        program: &str,
        jobs: JobBoard,
    ) -> Self {
        Self { records, blobs, keys, program: program.to_owned(), jobs, one: Arc::new(Semaphore::new(1)) }
    }

    /// How far a backup or a sweep is.
    pub fn jobs(&self) -> Jobs {
        self.jobs.view()
    }

    /// Begins an archive. What fails before its first piece is said; later the stream breaks off.
    ///
    /// # Errors
    /// `backup-running`, `backup-passphrase-short`, and what the stores say.
    pub async fn stream(&self, passphrase: Option<Zeroizing<String>>) -> Result<ByteStream, Fault> {
        let running = |_| {
            Fault::new("backup-running", "another backup is being made; try again when it is done").retry_after(10_000)
        };
        let permit = self.one.clone().try_acquire_owned().map_err(running)?;
        let passphrase = passphrase.map(Passphrase::new).transpose().map_err(|e| fault(&e))?;
        let source = Source {
            records: self.records.clone(),
            blobs: self.blobs.clone(),
            keys: passphrase.map(|passphrase| (self.keys.clone(), passphrase)),
            program: self.program.clone(),
            now_ms: wall_ms(),
        };
        let (pieces, mut received) = mpsc::channel::<Result<Bytes, Fault>>(PIECES_AHEAD);
        let (runtime, job) = (Handle::current(), self.jobs.begin(JobKind::Backup));
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let open = Vec::with_capacity(PIECE_BYTES);
            let mut out = Pieces { pieces: pieces.clone(), open, runtime: &runtime, job: &job };
            match pack(&source, &runtime, &mut out) {
                Ok(packed) => {
                    tracing::info!(
                        rows = packed.rows,
                        blobs = packed.blobs,
                        bytes = packed.bytes,
                        digest = %packed.digest,
                        "a backup was made"
                    );
                    job.went_on(|job| job.blobs = packed.blobs);
                    job.end(None);
                }
                Err(error) => {
                    tracing::warn!(code = error.code(), %error, "a backup broke off");
                    // Before the stream breaks: whoever sees that asks why.
                    job.end(Some(&fault(&error)));
                    let _ = runtime.block_on(tokio::time::timeout(STALL, pieces.send(Err(fault(&error)))));
                }
            }
        });
        let first = received.recv().await.unwrap_or_else(|| Err(Fault::new("internal", "a backup never began")))?;
        let rest = futures_util::stream::poll_fn(move |context| received.poll_recv(context));
        let first = futures_util::stream::once(async move { Ok(first) });
        Ok(Box::pin(futures_util::StreamExt::chain(first, rest)))
    }
}

fn fault(error: &BackupError) -> Fault {
    match error {
        BackupError::Store(error) => crate::store_fault(error),
        other => Fault::new(other.code(), other.to_string()),
    }
}

/// Hands what is written on in pieces, and gives up where nobody takes them.
struct Pieces<'a> {
    pieces: mpsc::Sender<Result<Bytes, Fault>>,
    open: Vec<u8>,
    runtime: &'a Handle,
    job: &'a Running,
}

impl Pieces<'_> {
    fn hand_on(&mut self) -> io::Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.open, Vec::with_capacity(PIECE_BYTES));
        self.job.went_on(|job| job.bytes += piece.len() as u64);
        let sent = self.runtime.block_on(tokio::time::timeout(STALL, self.pieces.send(Ok(piece.into()))));
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "whoever asked for the backup has gone")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "whoever asked for the backup does not take it")),
        }
    }
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE_BYTES - self.open.len());
        self.open.extend_from_slice(&bytes[..taken]);
        if self.open.len() == PIECE_BYTES {
            self.hand_on()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_on()
    }
}
