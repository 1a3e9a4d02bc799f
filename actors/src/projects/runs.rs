//! Runs of projects: beginning them, repeating them, ending them, and what their intents call for.

use cluster::body::keyed::BeginRunAs;
use cluster::body::projects::ArtefactReply;
use cluster::body::work::{AuditReply, RunKind};
use cluster::body::{Fault, Scope};
use domain::id::{ProjectId, RunId};
use domain::principal::Principal;
use domain::project::{Act, Actor, Run};
use domain::run::{Progress, RunSettings, RunState};
use store::rows::{IntentBody, OutboxEvent, ProjectRow, RevisionRow, RunRow, RunUpdate};
use store::{Cas, failpoint};

use super::views::{last_event, whole_run};
use super::{
    MAX_TRIES, Of, Result, act, actor, busy, change_row, drop_intent, fault, find, no_artefact, put_intent, revisions,
    runs_of,
};
use crate::clock::wall_ms;
use crate::relay::relay;
use crate::run::audit::audit;
use crate::run::{Halt, RunContext, RunName};
use crate::storage::blob_scope;

/// Runs of one project that are kept.
const MAX_RUNS: usize = 100;

/// What a run is to do.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Number of the revision.
    pub revision: u32,
    /// What it is to do otherwise than usual.
    pub settings: RunSettings,
    /// The run that it repeats.
    pub of: Option<RunId>,
    /// Who asked for it.
    pub by: Actor,
}

impl Plan {
    /// A first run, with nothing special.
    pub fn usual(revision: u32, by: Actor) -> Self {
        Self { revision, settings: RunSettings::default(), of: None, by }
    }
}

pub(super) fn new_run() -> RunId {
    RunId(uuid::Uuid::now_v7().as_u128())
}

pub(super) fn run_intent(name: RunName) -> IntentBody {
    IntentBody::Run { tenant: name.scope.tenant, project: name.scope.project, run: name.run }
}

/// Makes a run's row; one that is there already stays as it is.
pub async fn insert_run(context: &RunContext, name: RunName, plan: Plan) -> Result<()> {
    let row = RunRow {
        tenant: name.scope.tenant,
        project: name.scope.project,
        run: name.run,
        version: 0,
        state: RunState::Received,
        progress: Progress::default(),
        warnings: Vec::new(),
        manifest: None,
        segments: 0,
        artefacts: Vec::new(),
        created_ms: wall_ms(),
        outbox_next: 0,
        revision: plan.revision,
        settings: plan.settings,
        of: plan.of,
        by: plan.by,
        ended_ms: None,
    };
    let event = OutboxEvent { state: RunState::Received, progress: Progress::default() };
    match context.records.run_insert(row, vec![event]).await.map_err(fault)? {
        Cas::Applied(_) | Cas::Conflict(_) => Ok(()),
        Cas::Unknown(error) => Err(fault(error)),
    }
}

/// Removes a run that nobody was told of, if its project certainly does not name it; otherwise its intent
/// finds out.
pub(super) async fn undo_run(context: &RunContext, name: RunName) {
    if let Err(fault) = try_undo_run(context, name).await {
        tracing::warn!(%fault, run = %name.run, "a run that did not begin is left to its intent");
    }
}

async fn try_undo_run(context: &RunContext, name: RunName) -> Result<()> {
    let project = context.records.project_get(name.scope.tenant, name.scope.project).await.map_err(fault)?;
    if project.is_some_and(|row| row.run == Some(name.run)) {
        return Ok(());
    }
    context.records.run_remove(name.run).await.map_err(fault)?;
    drop_intent(context, name.run.0).await
}

/// Clears away what a crash left of a project that was never acknowledged; its upload goes with it. Whoever asks for that
/// project again makes it under its mark, and what they put there must not go.
async fn undo_beginning(context: &RunContext, name: RunName) -> Result<Mend> {
    let RunName { run, scope } = name;
    let Ok(_mark) = context.beginning.mark(scope.project.0) else { return Ok(Mend::Wait) };
    if context.records.project_get(scope.tenant, scope.project).await.map_err(fault)?.is_some() {
        return Ok(Mend::Wait);
    }
    context.records.run_remove(run).await.map_err(fault)?;
    context.blobs.delete_scope(blob_scope(scope)).await.map_err(fault)?;
    Ok(Mend::Drop)
}

/// Begins a run of a project, unless one is under way.
///
/// # Errors
/// `run-in-progress`, `run-not-found`, `run-not-failed`, `revision-not-found`, `run-settings-invalid`.
pub async fn begin(context: &RunContext, principal: Principal, project: ProjectId, kind: &RunKind) -> Result<RunName> {
    let row = find(context, principal, project).await?;
    refuse_if_running(context, &row).await?;
    let plan = planned(context, principal, &row, kind).await?;
    start(context, principal, project, plan, None).await
}

/// The same by a given id. One that is there already is answered with, if it is what is asked for.
///
/// # Errors
/// `idempotency-mismatch`, and as [`begin`].
pub async fn begin_as(context: &RunContext, BeginRunAs { run, ask }: &BeginRunAs) -> Result<RunName> {
    let row = find(context, ask.principal, ask.project).await?;
    let name = RunName { run: *run, scope: Scope { tenant: ask.principal.tenant, project: ask.project } };
    if runs_of(&row).any(|known| known == *run) {
        let there = run_row(context, &row, *run).await?;
        let is_same = match &ask.kind {
            RunKind::With { settings, revision } => {
                there.settings == *settings && revision.is_none_or(|number| number == there.revision)
            }
            RunKind::Again { run: of } => there.of == Some(*of),
        };
        return if is_same { Ok(name) } else { Err(crate::keyed::other_request()) };
    }
    refuse_if_running(context, &row).await?;
    let plan = planned(context, ask.principal, &row, &ask.kind).await?;
    start_as(context, ask.principal, name, plan, None).await
}

async fn planned(context: &RunContext, principal: Principal, row: &ProjectRow, kind: &RunKind) -> Result<Plan> {
    let by = actor(principal);
    match kind {
        RunKind::With { settings, revision } => {
            settings.check().map_err(|(name, wanted)| {
                Fault::new("run-settings-invalid", format!("the setting {name} must be {wanted}"))
            })?;
            let revision = revision.unwrap_or(row.revision());
            if row.revision_of(revision).is_none() {
                let detail = format!("the project has {} revisions, and none of number {revision}", row.revision());
                return Err(Fault::new("revision-not-found", detail));
            }
            Ok(Plan { revision, settings: *settings, of: row.run, by })
        }
        RunKind::Again { run } => {
            let failed = run_row(context, row, *run).await?;
            if !matches!(failed.state, RunState::Failed { .. } | RunState::Cancelled) {
                let detail = "only a run that failed or was cancelled is tried again; begin another with settings";
                return Err(Fault::new("run-not-failed", detail));
            }
            Ok(Plan { revision: failed.revision, settings: failed.settings, of: Some(*run), by })
        }
    }
}

/// Intent, run row, then the project's row, which takes a new revision in along with it: the one write that makes it
/// all visible.
pub(super) async fn start(
    context: &RunContext,
    principal: Principal,
    project: ProjectId,
    plan: Plan,
    added: Option<RevisionRow>,
) -> Result<RunName> {
    let name = RunName { run: new_run(), scope: Scope { tenant: principal.tenant, project } };
    start_as(context, principal, name, plan, added).await
}

async fn start_as(
    context: &RunContext,
    principal: Principal,
    name: RunName,
    plan: Plan,
    added: Option<RevisionRow>,
) -> Result<RunName> {
    let _beginning = context.beginning.mark(name.run.0)?;
    put_intent(context, name.run.0, run_intent(name)).await?;
    let begun = match insert_run(context, name, plan).await {
        Ok(()) => point_to(context, principal, name, plan, added).await,
        Err(fault) => Err(fault),
    };
    match begun {
        Ok(()) => {
            failpoint::pass("a run is begun");
            Ok(name)
        }
        Err(fault) => {
            undo_run(context, name).await;
            Err(fault)
        }
    }
}

pub(super) async fn refuse_if_running(context: &RunContext, row: &ProjectRow) -> Result<()> {
    let Some(current) = row.run else { return Ok(()) };
    match context.records.run_get(current).await.map_err(fault)? {
        Some(run) if !run.state.is_final() => {
            Err(Fault::new("run-in-progress", "this book is being analysed; cancel that run first"))
        }
        _ => Ok(()),
    }
}

/// Makes a run its project's newest one, and a revision, where one is given.
async fn point_to(
    context: &RunContext,
    principal: Principal,
    name: RunName,
    plan: Plan,
    added: Option<RevisionRow>,
) -> Result<()> {
    let of = (name.scope.project, Of::Idle(name.run));
    let pointed = change_row(context, principal, of, None, |row| {
        if row.run == Some(name.run) {
            return Ok(None);
        }
        row.earlier_runs.extend(row.run.replace(name.run));
        let Some(added) = &added else {
            let started = Act::RunStarted { run: name.run, revision: plan.revision, of: plan.of };
            return Ok(act(principal, started));
        };
        revisions::refuse_if_known(row, added.digest)?;
        if row.revision() + 1 != plan.revision {
            return Err(busy());
        }
        row.earlier_books.push(std::mem::replace(&mut row.book, added.clone()));
        let (revision, file) = (plan.revision, added.file_name.clone());
        Ok(act(principal, Act::Revised { revision, file, run: name.run }))
    });
    let row = pointed.await?;
    // The run has begun, whatever becomes of this.
    if let Err(fault) = drop_surplus(context, principal, &row).await {
        tracing::warn!(%fault, project = %row.project, "runs beyond those that are kept stay until the next one begins");
    }
    Ok(())
}

/// Removes the oldest runs beyond those that are kept.
async fn drop_surplus(context: &RunContext, principal: Principal, row: &ProjectRow) -> Result<()> {
    let surplus = row.earlier_runs.len().saturating_sub(MAX_RUNS);
    if surplus == 0 {
        return Ok(());
    }
    let old = &row.earlier_runs[..surplus];
    for run in old {
        context.records.run_remove(*run).await.map_err(fault)?;
    }
    let forgotten = change_row(context, principal, (row.project, Of::Live), None, |row| {
        row.earlier_runs.retain(|run| !old.contains(run));
        Ok(None)
    });
    forgotten.await.map(|_| ())
}

/// Ends a run that nobody drives; one that has ended stays as it is.
pub async fn cancel_row(context: &RunContext, run: RunId) -> Result<()> {
    let mut refusal = busy();
    for _ in 0..MAX_TRIES {
        let Some(row) = context.records.run_get(run).await.map_err(fault)? else { return Ok(()) };
        if row.state.is_final() {
            return Ok(());
        }
        let (project, progress, version) = (row.project, row.progress, row.version);
        let update = RunUpdate {
            row: RunRow { state: RunState::Cancelled, ended_ms: Some(wall_ms()), ..row },
            expected_version: version,
            fence: None,
            segments: Vec::new(),
            events: vec![OutboxEvent { state: RunState::Cancelled, progress }],
        };
        match context.records.run_update(update).await.map_err(fault)? {
            Cas::Applied(_) => {
                return relay(context.records.as_ref(), &context.bells, project, run).await.map_err(fault);
            }
            Cas::Conflict(_) => {}
            Cas::Unknown(error) => refusal = fault(error),
        }
    }
    Err(refusal)
}

/// A run's row, if the project has that run.
pub async fn run_row(context: &RunContext, row: &ProjectRow, run: RunId) -> Result<RunRow> {
    let missing = || Fault::new("run-not-found", "there is no such run");
    if !runs_of(row).any(|known| known == run) {
        return Err(missing());
    }
    context.records.run_get(run).await.map_err(fault)?.ok_or_else(missing)
}

/// All runs of a project that are kept, newest first.
pub async fn history(context: &RunContext, principal: Principal, project: ProjectId) -> Result<Vec<Run>> {
    let row = find(context, principal, project).await?;
    let seq = last_event(context, project).await?;
    let mut runs = Vec::new();
    for run in runs_of(&row) {
        runs.extend(context.records.run_get(run).await.map_err(fault)?.map(|row| whole_run(row, seq)));
    }
    Ok(runs)
}

/// Where a file of a run lies, as the run made it.
pub async fn run_file(
    context: &RunContext,
    principal: Principal,
    project: ProjectId,
    run: RunId,
    file: &str,
) -> Result<ArtefactReply> {
    let row = run_row(context, &find(context, principal, project).await?, run).await?;
    let found = row.artefacts.into_iter().find(|artefact| artefact.name == file).ok_or_else(|| no_artefact(file))?;
    Ok(ArtefactReply { digest: found.digest, bytes: found.bytes, media_type: found.media_type })
}

/// Proves that a run is whole, or says in how many items it is not.
pub async fn audited(context: &RunContext, principal: Principal, project: ProjectId, run: RunId) -> Result<AuditReply> {
    run_row(context, &find(context, principal, project).await?, run).await?;
    let found = audit(context.records.as_ref(), context.blobs.as_ref(), run).await.map_err(|halt| match halt {
        Halt::Fail(fault) | Halt::Later(fault) => fault,
        Halt::Lost | Halt::Cancelled => {
            Fault::new("run-not-read", "this run has not read its book: there is nothing to audit yet")
        }
    })?;
    Ok(AuditReply {
        items: found.items as u32,
        segments: found.segments as u32,
        missing: found.missing.len() as u32,
        repeated: found.repeated.len() as u32,
        foreign: found.foreign.len() as u32,
    })
}

/// What a run's intent calls for.
pub enum Mend {
    /// The run is to be driven.
    Drive,
    /// The run is to be ended: its project was deleted.
    Cancel,
    /// Nothing: it has ended, or never began.
    Drop,
    /// Nothing now: somebody is making its project.
    Wait,
}

/// Finds out what a run's intent calls for, and does again what a crash may have left out.
pub async fn mend_run(context: &RunContext, name: RunName) -> Result<Mend> {
    let project = context.records.project_get(name.scope.tenant, name.scope.project).await.map_err(fault)?;
    let Some(project) = project else { return undo_beginning(context, name).await };
    if project.run != Some(name.run) {
        if !project.earlier_runs.contains(&name.run) {
            context.records.run_remove(name.run).await.map_err(fault)?;
        }
        return Ok(Mend::Drop);
    }
    if project.deleted {
        return Ok(Mend::Drop);
    }
    match context.records.run_get(name.run).await.map_err(fault)? {
        Some(run) if run.state.is_final() => {
            let (records, bells) = (context.records.as_ref(), &context.bells);
            relay(records, bells, name.scope.project, name.run).await.map_err(fault)?;
            Ok(Mend::Drop)
        }
        Some(_) if project.trash.is_some() => Ok(Mend::Cancel),
        Some(_) => Ok(Mend::Drive),
        None => insert_run(context, name, Plan::usual(project.revision(), Actor::Node)).await.map(|()| Mend::Drive),
    }
}
