//! The archive of all that an account has: a zip file, written as it is read, a piece at a time.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use cluster::body::work::GetStoryboard;
use cluster::body::{Fault, Scope};
use domain::account::Session;
use domain::id::Digest;
use domain::principal::{Principal, Proof};
use futures_util::StreamExt as _;
use serde::Serialize;
use store::rows::{AccountRow, LIST_MAX, ProjectRow};
use store::{BlobInfo, BlobScope};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

use super::exports::Progress;
use super::identities::linked;
use super::views;
use crate::edits;
use crate::projects::{self, runs, views as project_views};
use crate::run::RunContext;
use crate::storage::blob_scope;
use crate::{store_fault, webhooks};

/// Largest archive.
const MAX_BYTES: u64 = 16 << 30;
/// Bytes of a piece.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces that wait to be stored.
const PIECES_AHEAD: usize = 4;
/// How long they may wait.
const STALL: Duration = Duration::from_secs(60);
/// Entries of a log that are read at once.
const LOG_PAGE: u32 = 500;
/// Longest name of a book's file in it, bytes.
const NAME_MAX_BYTES: usize = 100;

type Result<T> = std::result::Result<T, Fault>;

/// Writes the archive of an account into a blob of its own.
///
/// # Errors
/// What the stores say; `export-too-large`.
pub(super) async fn write(context: &Arc<RunContext>, row: &AccountRow, progress: &Arc<Progress>) -> Result<BlobInfo> {
    let (pieces, mut received) = mpsc::channel::<io::Result<Bytes>>(PIECES_AHEAD);
    let source = Box::pin(futures_util::stream::poll_fn(move |context| received.poll_recv(context)));
    let packing = Packing {
        context: context.clone(),
        runtime: Handle::current(),
        account: row.clone(),
        principal: Principal { tenant: row.tenant, proof: Proof::Node },
        progress: progress.clone(),
    };
    let packed = tokio::task::spawn_blocking(move || {
        let packed = packing.pack(pieces.clone());
        if let Err(fault) = &packed {
            // What was stored so far is no archive.
            let _ = packing.runtime.block_on(pieces.send(Err(io::Error::other(fault.to_string()))));
        }
        packed
    });
    let (stored, packed) = tokio::join!(context.blobs.put(row.scope(), source, MAX_BYTES, None), packed);
    // Where both failed, the store knows why: the packing only lost whom it wrote for.
    let stored = match stored {
        Err(store::StoreError::SourceBroken { .. }) | Ok(_) => stored,
        Err(error) => return Err(store_fault(&error)),
    };
    packed.map_err(|e| Fault::new("internal", format!("an archive was given up: {e}")))??;
    stored.map_err(|e| store_fault(&e))
}

/// Hands what is written on in pieces.
struct Pieces {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    open: Vec<u8>,
    runtime: Handle,
    progress: Arc<Progress>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PIECE_BYTES - self.open.len());
        self.open.extend_from_slice(&bytes[..taken]);
        if self.open.len() == PIECE_BYTES {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.open, Vec::with_capacity(PIECE_BYTES));
        self.progress.bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
        match self.runtime.block_on(tokio::time::timeout(STALL, self.pieces.send(Ok(piece.into())))) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the archive is not stored any more")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the store does not take the archive")),
        }
    }
}

type Zip = ZipWriter<StreamWriter<Pieces>>;

/// What an archive is written from.
struct Packing {
    context: Arc<RunContext>,
    runtime: Handle,
    account: AccountRow,
    principal: Principal,
    progress: Arc<Progress>,
}

fn failed(error: impl std::fmt::Display) -> Fault {
    Fault::new("store-io", format!("the archive could not be written: {error}"))
}

fn begin(zip: &mut Zip, name: &str) -> Result<()> {
    zip.start_file(name, SimpleFileOptions::default().large_file(true)).map_err(failed)
}

fn put_json(zip: &mut Zip, name: &str, value: &impl Serialize) -> Result<()> {
    begin(zip, name)?;
    serde_json::to_writer_pretty(zip, value).map_err(failed)
}

fn put_line(zip: &mut Zip, value: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *zip, value).map_err(failed)?;
    zip.write_all(b"\n").map_err(failed)
}

impl Packing {
    fn pack(&self, pieces: mpsc::Sender<io::Result<Bytes>>) -> Result<()> {
        let open = Vec::with_capacity(PIECE_BYTES);
        let (runtime, progress) = (self.runtime.clone(), self.progress.clone());
        let mut zip = ZipWriter::new_stream(Pieces { pieces, open, runtime, progress });
        self.put_account(&mut zip)?;
        let tenant = self.account.tenant;
        let found = self.wait(async { self.context.records.project_list(tenant, LIST_MAX).await })?;
        // Those that were deleted are theirs no more.
        let found: Vec<ProjectRow> = found.into_iter().filter(|row| row.trash.is_none()).collect();
        self.progress.projects_total.store(found.len() as u64, Ordering::Relaxed);
        for row in found {
            match self.put_project(&mut zip, &row) {
                // It was deleted meanwhile.
                Err(fault) if fault.code == "project-not-found" => {}
                put => put?,
            }
            self.progress.projects.fetch_add(1, Ordering::Relaxed);
        }
        let mut out = zip.finish().map_err(failed)?.into_inner();
        out.flush().map_err(failed)
    }

    /// Waits for a store, on a thread that may.
    fn wait<T>(&self, work: impl Future<Output = std::result::Result<T, store::StoreError>>) -> Result<T> {
        self.runtime.block_on(work).map_err(|e| store_fault(&e))
    }

    fn put_account(&self, zip: &mut Zip) -> Result<()> {
        let row = &self.account;
        put_json(zip, "account.json", &views::account(row))?;
        let sessions: Vec<Session> = row.sessions.iter().map(|one| super::sessions::view(one, None)).collect();
        put_json(zip, "sessions.json", &sessions)?;
        put_json(zip, "identities.json", &linked(row))?;
        let webhooks = self.runtime.block_on(webhooks::list(&self.context, self.principal))?;
        put_json(zip, "webhooks.json", &webhooks.webhooks)?;
        begin(zip, "activity.jsonl")?;
        let mut before = u64::MAX;
        loop {
            let records = &self.context.records;
            let page = self.wait(async { records.account_events(row.account, before, LOG_PAGE).await })?;
            let Some(last) = page.last() else { break };
            before = last.seq;
            page.iter().try_for_each(|event| put_line(zip, event))?;
        }
        match row.avatar {
            Some(digest) => self.put_blob(zip, "picture.jpg", row.scope(), digest),
            None => Ok(()),
        }
    }

    fn put_project(&self, zip: &mut Zip, row: &ProjectRow) -> Result<()> {
        let (context, project) = (&self.context, row.project);
        let folder = format!("projects/{project}");
        let scope = blob_scope(Scope { tenant: row.tenant, project });
        put_json(zip, &format!("{folder}/project.json"), &self.runtime.block_on(project_views::whole(context, row))?)?;
        let history = self.runtime.block_on(runs::history(context, self.principal, project))?;
        put_json(zip, &format!("{folder}/runs.json"), &history)?;
        begin(zip, &format!("{folder}/activity.jsonl"))?;
        let mut before = u64::MAX;
        loop {
            let acts = self.wait(async { context.records.activity(row.tenant, project, before, LOG_PAGE).await })?;
            let Some(last) = acts.last() else { break };
            before = last.seq;
            acts.iter().try_for_each(|act| put_line(zip, act))?;
        }
        for number in 1..=row.revision() {
            let Some(revision) = row.revision_of(number) else { continue };
            let name = format!("{folder}/books/{number}-{}", plain(&revision.file_name));
            self.put_blob(zip, &name, scope, revision.digest)?;
        }
        self.put_storyboard(zip, row, &folder)
    }

    /// The files of the newest run that finished, as they stand with their edits.
    fn put_storyboard(&self, zip: &mut Zip, row: &ProjectRow, folder: &str) -> Result<()> {
        let ready = self.runtime.block_on(projects::newest_ready(&self.context, row))?;
        for artefact in ready.into_iter().flat_map(|run| run.artefacts) {
            let (principal, project, name) = (self.principal, row.project, artefact.name.clone());
            let ask = GetStoryboard { principal, project, run: None, version: None, name };
            let file = match self.runtime.block_on(edits::storyboard(&self.context, &ask)) {
                Ok(file) => file.digest,
                // A file that has no edits is what the run made.
                Err(fault) if fault.code == "artefact-not-found" => artefact.digest,
                Err(fault) => return Err(fault),
            };
            let scope = blob_scope(Scope { tenant: row.tenant, project });
            self.put_blob(zip, &format!("{folder}/files/{}", plain(&artefact.name)), scope, file)?;
        }
        Ok(())
    }

    fn put_blob(&self, zip: &mut Zip, name: &str, scope: BlobScope, digest: Digest) -> Result<()> {
        begin(zip, name)?;
        let mut stream = self.wait(async { self.context.blobs.get_range(scope, digest, 0..u64::MAX).await })?;
        while let Some(piece) = self.runtime.block_on(stream.next()) {
            zip.write_all(&piece.map_err(|e| store_fault(&e))?).map_err(failed)?;
        }
        Ok(())
    }
}

/// A file's name as every system takes it: no folders, nothing that means something.
fn plain(name: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ') { c } else { '_' };
    let mut name: String = name.trim_matches('.').chars().map(safe).collect();
    name.truncate(name.floor_char_boundary(NAME_MAX_BYTES));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_books_name_leads_nowhere() {
        assert_eq!(plain("Winter Loan.epub"), "Winter Loan.epub");
        assert_eq!(plain("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(plain("C:\\a\u{0}b.txt"), "C__a_b.txt");
        assert!(plain(&"é".repeat(300)).len() <= NAME_MAX_BYTES);
    }
}
