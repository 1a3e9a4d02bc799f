//! What is asked of a text by itself, or of a project's revision.
//!
//! A small text is answered at once: its passages go to the scheduler as interactive items, ahead of every book, and
//! nothing is kept of it. A larger one becomes the book of a project, and its run does the work: so it has all that
//! runs have, and this module only says how that run stands and what it found.
//!
//! | module | holds |
//! |---|---|
//! | here | what is asked for, and how an analysis stands |
//! | [`at_once`] | a small text: items that somebody waits for |
//! | `result` | book, vectors and storyboard as an answer |

pub mod at_once;
mod result;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use cluster::body::analysis::{AnalyseProject, AnalyseText, AnalysisReply, GetAnalysis};
use cluster::body::projects::CreateProject;
use cluster::body::work::RunKind;
use cluster::body::{Fault, MAX_INLINE_BYTES, Payload, Scope};
use domain::analysis::{AT_ONCE_PASSAGES, Analysis, AnalysisId, AnalysisKind, AnalysisResult};
use domain::book::Book;
use domain::id::{Digest, ProjectId, RunId};
use domain::manifest::{Manifest, Segment};
use domain::principal::Principal;
use domain::project::ProjectPatch;
use domain::run::{Progress, RunSettings, RunState};
use domain::storyboard::Storyboard;
use store::StoreError;
use store::rows::{ProjectRow, RunRow};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::projects::{self, changes, runs};
use crate::run::composing::STORYBOARD_JSON;
use crate::run::reading::{Prepared, cut};
use crate::run::{Halt, MAX_OWN_BLOB_BYTES, RunContext, RunName};
use crate::storage::blob_scope;
use crate::store_fault;
use at_once::Waiting;

/// Small texts that are worked on at a time.
const MAX_AT_ONCE: usize = 16;
/// Finished runs whose answers are put together at a time.
const MAX_WHOLE: usize = 2;
/// Answers of finished runs that are remembered; they lie as blobs of their projects.
const MAX_MADE: usize = 32;
/// What a text is called where a file would have its name.
const FILE_NAME: &str = "text.txt";

type Result<T> = std::result::Result<T, Fault>;

/// What analyses share.
#[derive(Clone)]
pub struct Analyses {
    /// Small texts that wait for results.
    pub waiting: Waiting,
    small: Arc<Semaphore>,
    whole: Arc<Semaphore>,
    made: Arc<Mutex<VecDeque<Made>>>,
}

impl Default for Analyses {
    fn default() -> Self {
        Self {
            waiting: Waiting::default(),
            small: Arc::new(Semaphore::new(MAX_AT_ONCE)),
            whole: Arc::new(Semaphore::new(MAX_WHOLE)),
            made: Arc::default(),
        }
    }
}

/// An answer that lies as a blob.
#[derive(Clone, Copy)]
struct Made {
    id: AnalysisId,
    digest: Digest,
    bytes: u64,
}

/// What became of a text.
pub enum Asked {
    /// It is answered.
    Answered(AnalysisReply),
    /// A project was made of it, whose run is to be driven.
    Created(Box<ProjectRow>, RunName),
}

/// What became of a project's revision.
pub enum Stands {
    /// A run has found it out, or is about to.
    Answered(AnalysisReply),
    /// The project is to begin a run.
    Begin(RunKind),
}

fn fault(error: StoreError) -> Fault {
    store_fault(&error)
}

fn halted(halt: Halt) -> Fault {
    match halt {
        Halt::Fail(fault) | Halt::Later(fault) => fault,
        Halt::Lost | Halt::Cancelled => Fault::new("stopping", "the node is stopping"),
    }
}

/// More is asked than can be done now.
fn busy(retry_after_ms: u32) -> Fault {
    let detail = "too much is waiting for the devices to answer this in time; try again, or upload it as a book";
    Fault::new("analysis-busy", detail).retry_after(retry_after_ms.max(1_000))
}

/// Works off the runtime that heartbeats live on; the permit goes with the work.
async fn work<T: Send + 'static>(
    permit: OwnedSemaphorePermit,
    job: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    blocking(move || {
        let done = job();
        drop(permit);
        done
    })
    .await
}

/// Answers a small text, or makes a project of a larger one.
///
/// # Errors
/// `text-empty`, `language-unsupported`, `not-ready`, `analysis-busy`; whatever making a project says.
pub async fn text(context: &Arc<RunContext>, ask: AnalyseText) -> Result<Asked> {
    let bytes = match &ask.text {
        Payload::Bulk(digest) => return begin_project(context, &ask, *digest).await,
        Payload::Inline(bytes) => bytes,
    };
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::new("bad-request", "the text is not UTF-8"))?.to_owned();
    let model = match &*context.model.borrow() {
        Some(found) => found.clone()?,
        None => {
            let detail = "the model is still being loaded; try again in a few seconds";
            return Err(Fault::new("not-ready", detail).retry_after(3_000));
        }
    };
    let small = context.analyses.small.clone().try_acquire_owned().map_err(|_| busy(1_000))?;
    let (limits, language) = (context.limits.clone(), ask.language);
    let prepared = blocking(move || {
        let book = book::transcript::book_of_text(FILE_NAME, &text, language, &limits).map_err(|e| unread(&e))?;
        cut(book, &model, RunSettings::default().passage_tokens)
    })
    .await?;
    if prepared.manifest.passages.len() > AT_ONCE_PASSAGES {
        drop(small);
        let scope = Scope { tenant: ask.principal.tenant, project: ask.project };
        let digest = context.put_bytes(scope, bytes.clone()).await.map_err(halted)?;
        return begin_project(context, &ask, digest).await;
    }
    answer_small(context, &ask, prepared, small).await.map(Asked::Answered)
}

/// Work that is small, off the runtime all the same.
async fn blocking<T: Send + 'static>(job: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(job).await.map_err(|e| match e.is_cancelled() {
        true => Fault::new("stopping", "the node is stopping"),
        false => Fault::new("internal", "this text hit a defect of the program; its log says where"),
    })?
}

/// Why a text can't be read, in words for texts.
fn unread(error: &book::BookError) -> Fault {
    match error {
        book::BookError::Empty => Fault::new("text-empty", "there is no sentence in this text; send some prose"),
        book::BookError::UnknownLanguage { looks_like } => Fault::new(
            "language-unsupported",
            format!("the text looks like {looks_like}; English and French are read: say which one as `language`"),
        ),
        other => Fault::new(other.code(), other.to_string()),
    }
}

async fn answer_small(
    context: &Arc<RunContext>,
    ask: &AnalyseText,
    prepared: Prepared,
    permit: OwnedSemaphorePermit,
) -> Result<AnalysisReply> {
    let scope = Scope { tenant: ask.principal.tenant, project: ask.project };
    let Prepared { book, manifest, inputs } = prepared;
    let mut asking = at_once::Asking::begin(context, scope).await?;
    let encoded = match asking.encode(context, &manifest, inputs).await {
        Ok(encoded) => encoded,
        Err(fault) => {
            asking.end(context).await;
            return Err(fault);
        }
    };
    let (kind, progress) = (ask.kind, all_done(&manifest));
    let made = work(permit, move || {
        let board = match kind {
            AnalysisKind::Semantic => None,
            _ => Some(result::storyboard(&book, &manifest, &encoded)?),
        };
        let found = result::of(kind, &book, &manifest, &encoded, board.as_ref(), true)?;
        let state = RunState::Ready;
        json(&Analysis { id: None, kind, state, progress, project: None, run: None, result: Some(found) })
    })
    .await;
    let said = match made {
        Ok(json) => asking.payload(context, json).await,
        Err(fault) => Err(fault),
    };
    asking.end(context).await;
    let (json, json_bytes) = said?;
    Ok(AnalysisReply { id: None, ready: true, scope, json, json_bytes })
}

fn all_done(manifest: &Manifest) -> Progress {
    let passages = manifest.passages.len() as u32;
    let tokens = manifest.passages.iter().map(|p| u64::from(p.tokens)).sum();
    Progress {
        passages_done: passages,
        passages_total: passages,
        tokens_done: tokens,
        tokens_total: tokens,
        tokens_per_s: 0,
    }
}

fn json(analysis: &Analysis) -> Result<Vec<u8>> {
    serde_json::to_vec(analysis).map_err(|e| Fault::new("internal", format!("an answer could not be written: {e}")))
}

/// A text that takes its time becomes the book of a project, marked as made for this.
async fn begin_project(context: &Arc<RunContext>, ask: &AnalyseText, digest: Digest) -> Result<Asked> {
    let create = CreateProject {
        principal: ask.principal,
        project: ask.project,
        file_name: FILE_NAME.to_owned(),
        book: digest,
        book_bytes: ask.text_bytes,
        demo: false,
    };
    let (row, name) = projects::create(context, &create).await.map_err(|fault| match fault.code.as_str() {
        "book-empty" => unread(&book::BookError::Empty),
        "book-language-unknown" => Fault { code: "language-unsupported".into(), ..fault },
        _ => fault,
    })?;
    let patch = ProjectPatch {
        name: Some(Some(format!("Text for analysis ({})", ask.kind.name()))),
        description: Some(Some("Sent to the API to be analysed. Deleting this project deletes the text.".to_owned())),
        archived: None,
    };
    // What it is called is not worth failing what was begun.
    if let Err(fault) = changes::patch(context, ask.principal, ask.project, None, &patch).await {
        tracing::warn!(%fault, project = %ask.project, "a project made for an analysis has no name");
    }
    Ok(Asked::Created(Box::new(row), name))
}

/// Why a larger text can't be what it was said to be.
pub fn other_language(row: &ProjectRow, said: domain::language::Language) -> Option<Fault> {
    let found = row.book.language.filter(|found| *found != said)?;
    let detail = format!(
        "the text was said to be in `{}` and reads as `{}`: leave `language` out, or send the parts apart",
        said.tag(),
        found.tag()
    );
    Some(Fault::new("language-unsupported", detail))
}

/// What a project's revision gives, or which run is to find out.
///
/// # Errors
/// `project-not-found`, `revision-not-found`, `run-in-progress` where another revision is being analysed.
pub async fn project(context: &Arc<RunContext>, ask: &AnalyseProject) -> Result<Stands> {
    let row = projects::find(context, ask.principal, ask.project).await?;
    let revision = ask.revision.unwrap_or(row.revision());
    if row.revision_of(revision).is_none() {
        let detail = format!("the project has {} revisions, and none of number {revision}", row.revision());
        return Err(Fault::new("revision-not-found", detail));
    }
    let mut under_way = None;
    for run in row.run.into_iter().chain(row.earlier_runs.iter().rev().copied()) {
        let Some(run) = context.records.run_get(run).await.map_err(fault)? else { continue };
        match run.state {
            _ if run.revision != revision => {}
            RunState::Ready => return stands(context, ask.principal, id(ask.kind, &run)).await.map(Stands::Answered),
            ref state if !state.is_final() => under_way = under_way.or(Some(run)),
            _ => {}
        }
    }
    match under_way {
        Some(run) => stands(context, ask.principal, id(ask.kind, &run)).await.map(Stands::Answered),
        None => Ok(Stands::Begin(RunKind::With { settings: RunSettings::default(), revision: Some(revision) })),
    }
}

fn id(kind: AnalysisKind, run: &RunRow) -> AnalysisId {
    AnalysisId { kind, project: run.project, run: run.run }
}

/// How an analysis stands, and its result once its run is ready.
///
/// # Errors
/// `project-not-found`, `run-not-found`.
pub async fn status(context: &Arc<RunContext>, ask: GetAnalysis) -> Result<AnalysisReply> {
    stands(context, ask.principal, ask.id).await
}

/// The same, of a run that was begun a moment ago.
///
/// # Errors
/// As [`status`].
pub async fn begun(
    context: &Arc<RunContext>,
    principal: Principal,
    kind: AnalysisKind,
    project: ProjectId,
    run: RunId,
) -> Result<AnalysisReply> {
    stands(context, principal, AnalysisId { kind, project, run }).await
}

async fn stands(context: &Arc<RunContext>, principal: Principal, id: AnalysisId) -> Result<AnalysisReply> {
    let row = projects::find(context, principal, id.project).await?;
    let run = runs::run_row(context, &row, id.run).await?;
    let scope = Scope { tenant: row.tenant, project: row.project };
    let analysis = Analysis {
        id: Some(id.to_string()),
        kind: id.kind,
        state: run.state.clone(),
        progress: run.progress,
        project: Some(id.project),
        run: Some(id.run),
        result: None,
    };
    if run.state != RunState::Ready {
        let bytes = json(&analysis)?;
        let json_bytes = bytes.len() as u64;
        return Ok(AnalysisReply { id: Some(id), ready: false, scope, json: Payload::Inline(bytes), json_bytes });
    }
    if let Some(made) = remembered(context, scope, id).await? {
        return Ok(reply(id, scope, Payload::Bulk(made.digest), made.bytes));
    }
    let bytes = finished(context, scope, &run, analysis).await?;
    let json_bytes = bytes.len() as u64;
    if bytes.len() <= MAX_INLINE_BYTES {
        return Ok(reply(id, scope, Payload::Inline(bytes), json_bytes));
    }
    let digest = context.put_bytes(scope, bytes).await.map_err(halted)?;
    remember(context, Made { id, digest, bytes: json_bytes });
    Ok(reply(id, scope, Payload::Bulk(digest), json_bytes))
}

fn reply(id: AnalysisId, scope: Scope, json: Payload, json_bytes: u64) -> AnalysisReply {
    AnalysisReply { id: Some(id), ready: true, scope, json, json_bytes }
}

/// What a finished run found, as JSON. The same run gives the same bytes.
async fn finished(context: &Arc<RunContext>, scope: Scope, run: &RunRow, analysis: Analysis) -> Result<Vec<u8>> {
    let stopping = || Fault::new("stopping", "the node is stopping");
    let permit = context.analyses.whole.clone().acquire_owned().await.map_err(|_| stopping())?;
    let manifest = run.manifest.ok_or_else(|| projects::no_artefact(STORYBOARD_JSON))?;
    let manifest: Manifest = context.get(scope, manifest).await.map_err(halted)?;
    let book: Book = context.get(scope, manifest.book).await.map_err(halted)?;
    let kind = analysis.kind;
    let (mut encoded, mut board) = (HashMap::new(), None);
    if kind == AnalysisKind::Semantic {
        for row in context.records.segments(run.run).await.map_err(fault)? {
            let segment: Segment = context.get(scope, row.segment.digest).await.map_err(halted)?;
            encoded.extend(segment.items);
        }
    } else {
        let found = run.artefacts.iter().find(|artefact| artefact.name == STORYBOARD_JSON);
        let digest = found.ok_or_else(|| projects::no_artefact(STORYBOARD_JSON))?.digest;
        board = Some(context.blobs.get(blob_scope(scope), digest, MAX_OWN_BLOB_BYTES).await.map_err(fault)?);
    }
    work(permit, move || {
        let unreadable = |e: serde_json::Error| {
            Fault::new("store-corrupt-blob", format!("the storyboard can't be read ({e}): analyse the book again"))
        };
        let board: Option<Storyboard> =
            board.map(|bytes| serde_json::from_slice(&bytes)).transpose().map_err(unreadable)?;
        let found: AnalysisResult = result::of(kind, &book, &manifest, &encoded, board.as_ref(), false)?;
        json(&Analysis { result: Some(found), ..analysis })
    })
    .await
}

/// An answer that was put together before, if its blob is still there.
async fn remembered(context: &RunContext, scope: Scope, id: AnalysisId) -> Result<Option<Made>> {
    let found = {
        let made = context.analyses.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.iter().find(|made| made.id == id).copied()
    };
    let Some(found) = found else { return Ok(None) };
    Ok(context.blobs.stat(blob_scope(scope), found.digest).await.map_err(fault)?.map(|_| found))
}

fn remember(context: &RunContext, new: Made) {
    let mut made = context.analyses.made.lock().unwrap_or_else(PoisonError::into_inner);
    made.retain(|made| made.id != new.id);
    made.push_back(new);
    while made.len() > MAX_MADE {
        made.pop_front();
    }
}
