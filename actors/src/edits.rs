//! Edits of storyboards: a log on top of what a run composed.
//!
//! A run's storyboard is never changed. Its edits are rows of the run's own partition, appended for the version that
//! the editor saw; the storyboard as it stands is made of both when somebody asks for it, checked against the evidence
//! contract, and handed out as a blob like any other. Such blobs are a cache: a few are kept, the oldest go, and one
//! that is gone is made again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use cluster::body::projects::ArtefactReply;
use cluster::body::work::{EditStoryboard, GetStoryboard, ListEdits};
use cluster::body::{Fault, Scope};
use domain::book::Book;
use domain::edit::{
    EDITS_PAGE_MAX, ENTRIES_MAX, EditEntry, EditPage, EditState, EditVersion, EditedStoryboard, Standing,
};
use domain::id::{Digest, ProjectId, RunId};
use domain::manifest::Manifest;
use domain::principal::Principal;
use domain::run::RunState;
use domain::storyboard::Storyboard;
use store::rows::{EditRow, ProjectRow, RunRow};
use store::{Cas, StoreError};
use story::editing::{Editing, check_edited};
use tokio::sync::Semaphore;

use crate::clock::wall_ms;
use crate::projects::{find, newest_ready, no_artefact, runs};
use crate::run::composing::{BOOK_JSON, STORYBOARD_HTML, STORYBOARD_JSON, story_settings};
use crate::run::{Halt, MAX_OWN_BLOB_BYTES, RunContext};
use crate::storage::blob_scope;
use crate::store_fault;

/// Storyboards that are kept in memory, ready to be edited.
const MAX_OPEN: usize = 4;
/// Edited files that are kept as blobs.
const MAX_MADE: usize = 32;
/// Storyboards that are worked on at a time.
const MAX_AT_WORK: usize = 2;
/// Tries after an outcome that is not known.
const MAX_TRIES: u32 = 5;

type Result<T> = std::result::Result<T, Fault>;

fn fault(error: StoreError) -> Fault {
    store_fault(&error)
}

/// What runs composed, the one asked for last at the end.
type Open = VecDeque<(RunId, Arc<Composed>)>;

/// Storyboards that are being edited.
#[derive(Clone)]
pub struct Boards {
    open: Arc<Mutex<Open>>,
    made: Arc<Mutex<VecDeque<Made>>>,
    work: Arc<Semaphore>,
}

impl Default for Boards {
    fn default() -> Self {
        Self { open: Arc::default(), made: Arc::default(), work: Arc::new(Semaphore::new(MAX_AT_WORK)) }
    }
}

impl Boards {
    /// Files of edited storyboards that are kept as blobs in a scope.
    pub(crate) fn kept_in(&self, scope: Scope) -> Vec<Digest> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.iter().filter(|made| made.scope == scope).map(|made| made.file.digest).collect()
    }
}

/// What a run composed, and of what.
struct Composed {
    book: Book,
    board: Storyboard,
    settings: story::Settings,
}

/// A file of an edited storyboard, kept as a blob.
#[derive(Clone, PartialEq)]
struct Made {
    scope: Scope,
    run: RunId,
    version: u64,
    name: String,
    file: ArtefactReply,
}

/// Appends to the edits of a storyboard.
///
/// # Errors
/// `storyboard-changed` if it has another version by now, `nothing-to-undo`, `nothing-to-redo`, `too-many-edits`, and
/// why the change can't be made (`edit-…`).
pub async fn append(context: &RunContext, ask: &EditStoryboard) -> Result<EditState> {
    let row = find(context, ask.principal, ask.project).await?;
    let run = composed_run(context, &row, Some(ask.run), STORYBOARD_JSON).await?;
    let log = whole_log(context, run.run).await?;
    let version = log.len() as u64;
    if version != ask.version {
        return Err(changed(version, ask.version));
    }
    if version >= ENTRIES_MAX {
        let detail = format!("a storyboard takes {ENTRIES_MAX} edits: begin another run to start over");
        return Err(Fault::new("too-many-edits", detail));
    }
    let mut standing = standing(&log)?;
    standing.take(log.len(), &ask.entry).map_err(|_| nothing_there(&ask.entry))?;
    if let EditEntry::Edit { edit } = &ask.entry {
        let composed = composed(context, &run).await?;
        let edit = edit.clone();
        work(context, move || {
            let mut editing = replayed(&composed, &log)?;
            editing.apply(&edit).map_err(|e| Fault::new(e.code(), e.to_string()))
        })
        .await?;
    }
    let appended = EditRow {
        version: version + 1,
        id: uuid::Uuid::new_v4().as_u128(),
        at_ms: wall_ms(),
        by: ask.principal.proof.into(),
        entry: ask.entry.clone(),
    };
    put(context, run.run, appended, version).await?;
    Ok(state(run.run, version + 1, &standing))
}

/// Appends a row; an outcome that is not known is asked for again under the same id.
async fn put(context: &RunContext, run: RunId, row: EditRow, version: u64) -> Result<()> {
    for _ in 0..MAX_TRIES {
        match context.records.edit_append(run, row.clone(), version).await.map_err(fault)? {
            Cas::Applied(_) => return Ok(()),
            Cas::Conflict(Some(now)) => return Err(changed(now, version)),
            Cas::Conflict(None) => return Err(Fault::new("run-not-found", "there is no such run")),
            Cas::Unknown(error) => tracing::warn!(%error, %run, "outcome of an edit unknown"),
        }
    }
    Err(Fault::new("store-timeout", "the store gives no certain answer; look whether the edit is there"))
}

/// A page of the edits of a storyboard.
///
/// # Errors
/// `run-not-found`, `artefact-not-found`.
pub async fn page(context: &RunContext, ask: &ListEdits) -> Result<EditPage> {
    let row = find(context, ask.principal, ask.project).await?;
    let run = composed_run(context, &row, ask.run, STORYBOARD_JSON).await?;
    let log = whole_log(context, run.run).await?;
    let state = state(run.run, log.len() as u64, &standing(&log)?);
    let limit = ask.limit.clamp(1, EDITS_PAGE_MAX) as usize;
    let later = log.into_iter().filter(|row| row.version > ask.after).take(limit);
    let entries = later.map(|row| EditVersion { version: row.version, at_ms: row.at_ms, by: row.by, entry: row.entry });
    Ok(EditPage { state, entries: entries.collect() })
}

/// Where a file of the newest run that finished lies; a storyboard as it stands with its edits.
///
/// # Errors
/// `artefact-not-found`.
pub async fn artefact(
    context: &RunContext,
    principal: Principal,
    project: ProjectId,
    name: &str,
) -> Result<ArtefactReply> {
    let ask = GetStoryboard { principal, project, run: None, version: None, name: name.to_owned() };
    storyboard(context, &ask).await
}

/// The same, of a run and a version that may be named.
///
/// # Errors
/// `artefact-not-found`, `run-not-found`, `version-not-found`.
pub async fn storyboard(context: &RunContext, ask: &GetStoryboard) -> Result<ArtefactReply> {
    let row = find(context, ask.principal, ask.project).await?;
    let run = composed_run(context, &row, ask.run, &ask.name).await?;
    let mut log = if ask.name == BOOK_JSON { Vec::new() } else { whole_log(context, run.run).await? };
    let version = ask.version.unwrap_or(log.len() as u64);
    if version > log.len() as u64 {
        let detail = format!("the storyboard has {} versions so far, and none of number {version}", log.len());
        return Err(Fault::new("version-not-found", detail));
    }
    log.truncate(version as usize);
    if log.is_empty() {
        let found = run.artefacts.into_iter().find(|artefact| artefact.name == ask.name);
        let found = found.ok_or_else(|| no_artefact(&ask.name))?;
        return Ok(ArtefactReply { digest: found.digest, bytes: found.bytes, media_type: found.media_type });
    }
    let scope = Scope { tenant: row.tenant, project: row.project };
    if let Some(made) = kept(context, run.run, version, &ask.name).await? {
        return Ok(made);
    }
    let file = make(context, scope, &run, log, &ask.name).await?;
    let made = Made { scope, run: run.run, version, name: ask.name.clone(), file: file.clone() };
    keep(context, made).await;
    Ok(file)
}

/// The run whose storyboard is meant, if it has the file.
async fn composed_run(context: &RunContext, row: &ProjectRow, run: Option<RunId>, name: &str) -> Result<RunRow> {
    let run = match run {
        Some(run) => Some(runs::run_row(context, row, run).await?).filter(|run| run.state == RunState::Ready),
        None => newest_ready(context, row).await?,
    };
    let has = |run: &RunRow| run.artefacts.iter().any(|artefact| artefact.name == name);
    run.filter(has).ok_or_else(|| no_artefact(name))
}

async fn whole_log(context: &RunContext, run: RunId) -> Result<Vec<EditRow>> {
    context.records.edits(run, 0, ENTRIES_MAX as u32).await.map_err(fault)
}

fn standing(log: &[EditRow]) -> Result<Standing> {
    let broken = |_| Fault::new("store-corrupt", "the edits of this storyboard undo what was never done");
    Standing::of(log.iter().map(|row| &row.entry)).map_err(broken)
}

fn state(run: RunId, version: u64, standing: &Standing) -> EditState {
    EditState { run, version, can_undo: !standing.done.is_empty(), can_redo: !standing.undone.is_empty() }
}

fn changed(now: u64, seen: u64) -> Fault {
    let detail = format!("the storyboard is at version {now} by now, not {seen}: look at it again");
    Fault::new("storyboard-changed", detail)
}

fn nothing_there(entry: &EditEntry) -> Fault {
    match entry {
        EditEntry::Redo => Fault::new("nothing-to-redo", "there is no change to bring back"),
        _ => Fault::new("nothing-to-undo", "there is no change to take back"),
    }
}

/// A composed storyboard with the changes that stand applied.
fn replayed<'a>(composed: &'a Composed, log: &[EditRow]) -> Result<Editing<'a>> {
    let mut editing = Editing::new(&composed.book, &composed.board, &composed.settings);
    for at in standing(log)?.done {
        if let EditEntry::Edit { edit } = &log[at].entry {
            let broken = |e: story::editing::EditError| {
                Fault::new("store-corrupt", format!("edit {} can't be made any more: {e}", log[at].version))
            };
            editing.apply(edit).map_err(broken)?;
        }
    }
    Ok(editing)
}

/// What a run composed: from memory, where somebody edits it already.
async fn composed(context: &RunContext, run: &RunRow) -> Result<Arc<Composed>> {
    let open = &context.boards.open;
    let lock = || open.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = lock().iter().find(|(id, _)| *id == run.run).map(|(_, found)| found.clone()) {
        return Ok(found);
    }
    let scope = Scope { tenant: run.tenant, project: run.project };
    let json = run.artefacts.iter().find(|artefact| artefact.name == STORYBOARD_JSON);
    let json = json.ok_or_else(|| no_artefact(STORYBOARD_JSON))?.digest;
    let bytes = context.blobs.get(blob_scope(scope), json, MAX_OWN_BLOB_BYTES).await.map_err(fault)?;
    let manifest = run.manifest.ok_or_else(|| no_artefact(STORYBOARD_JSON))?;
    let manifest: Manifest = context.get(scope, manifest).await.map_err(halted)?;
    let book: Book = context.get(scope, manifest.book).await.map_err(halted)?;
    let settings = story_settings(&run.settings);
    let unreadable = |e: serde_json::Error| {
        Fault::new("store-corrupt-blob", format!("the storyboard can't be read ({e}): analyse the book again"))
    };
    let board = work(context, move || serde_json::from_slice(&bytes).map_err(unreadable)).await?;
    let composed = Arc::new(Composed { book, board, settings });
    let mut open = lock();
    open.retain(|(id, _)| *id != run.run);
    open.push_back((run.run, composed.clone()));
    while open.len() > MAX_OPEN {
        open.pop_front();
    }
    Ok(composed)
}

fn halted(halt: Halt) -> Fault {
    match halt {
        Halt::Fail(fault) | Halt::Later(fault) => fault,
        Halt::Lost | Halt::Cancelled => Fault::new("stopping", "the node is stopping"),
    }
}

/// Works off the runtime that heartbeats live on, two at a time.
async fn work<T: Send + 'static>(context: &RunContext, job: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let stopping = || Fault::new("stopping", "the node is stopping");
    let permit = context.boards.work.clone().acquire_owned().await.map_err(|_| stopping())?;
    let job = move || {
        let done = job();
        drop(permit);
        done
    };
    tokio::task::spawn_blocking(job).await.map_err(|e| match e.is_cancelled() {
        true => stopping(),
        false => Fault::new("internal", "this storyboard hit a defect of the program; its log says where"),
    })?
}

/// Makes a file of an edited storyboard. None leaves without the check.
async fn make(
    context: &RunContext,
    scope: Scope,
    run: &RunRow,
    log: Vec<EditRow>,
    name: &str,
) -> Result<ArtefactReply> {
    let composed = composed(context, run).await?;
    let (run, is_page) = (run.run, name == STORYBOARD_HTML);
    let bytes = work(context, move || {
        let state = state(run, log.len() as u64, &standing(&log)?);
        let board = replayed(&composed, &log)?.board(state);
        check_edited(&composed.book, &board).map_err(|v| Fault::new("story-contract", v.to_string()))?;
        written(&composed.book, &board, is_page)
    })
    .await?;
    let size = bytes.len() as u64;
    let digest = context.put_bytes(scope, bytes).await.map_err(halted)?;
    let media_type = if is_page { "text/html; charset=utf-8" } else { "application/json" };
    Ok(ArtefactReply { digest, bytes: size, media_type: media_type.to_owned() })
}

fn written(book: &Book, board: &EditedStoryboard, is_page: bool) -> Result<Vec<u8>> {
    if is_page {
        return Ok(story::edited_to_html(book, board).into_bytes());
    }
    let json = |e: serde_json::Error| Fault::new("internal", format!("a file could not be written as JSON: {e}"));
    serde_json::to_vec(board).map_err(json)
}

/// A file that was made before, if its blob is still there.
async fn kept(context: &RunContext, run: RunId, version: u64, name: &str) -> Result<Option<ArtefactReply>> {
    let found = {
        let made = context.boards.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.iter().find(|made| made.run == run && made.version == version && made.name == name).cloned()
    };
    let Some(found) = found else { return Ok(None) };
    let there = context.blobs.stat(blob_scope(found.scope), found.file.digest).await.map_err(fault)?;
    Ok(there.map(|_| found.file))
}

/// Remembers a file, and lets the oldest go. What can't be removed now goes with its project.
async fn keep(context: &RunContext, new: Made) {
    let gone: Vec<Made> = {
        let mut made = context.boards.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.retain(|made| (made.run, made.version, &made.name) != (new.run, new.version, &new.name));
        made.push_back(new);
        let surplus = made.len().saturating_sub(MAX_MADE);
        let gone: Vec<Made> = made.drain(..surplus).collect();
        let still = |old: &Made| made.iter().any(|made| made.scope == old.scope && made.file.digest == old.file.digest);
        gone.into_iter().filter(|old| !still(old)).collect()
    };
    for old in gone {
        // An edited file says that it is one, so these are never the bytes of what a run composed.
        if let Err(error) = context.blobs.delete(blob_scope(old.scope), old.file.digest).await {
            tracing::debug!(%error, "a file of an edited storyboard stays");
        }
    }
}
