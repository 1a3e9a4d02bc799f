//! Archives of all that an account has: asked for, written by whoever finds the intent, kept for a day.
//!
//! The account's row says how its archive stands; how far one is that is being written is known to this process alone.
//! A node that dies meanwhile begins it anew: its intent stays until the archive has gone again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cluster::body::Fault;
use cluster::body::exports::{BeginExport, GetExport, SignExport};
use cluster::body::files::SignedReply;
use cluster::body::projects::ArtefactReply;
use domain::account::AccountAct;
use domain::audit::AuditAct;
use domain::belongings::{DataExport, ExportStands};
use domain::health::JobTrouble;
use domain::id::{AccountId, Digest};
use store::rows::{AccountRow, ExportRow, ExportState, IntentBody, IntentRow};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::archive;
use super::rows::{change, read, touch};
use super::{Result, audit, ended, signed};
use crate::clock::wall_ms;
use crate::links;
use crate::projects::{drop_intent, put_intent};
use crate::run::RunContext;
use crate::store_fault;

/// How long an archive is kept.
const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// How long its address can be followed.
const LINK_VALID_S: u32 = 3_600;
/// What it is called where it is saved.
const FILE_NAME: &str = "visiobook-data.zip";

fn kept_until(ended_ms: u64) -> u64 {
    ended_ms.saturating_add(u64::try_from(KEPT.as_millis()).unwrap_or(u64::MAX))
}

/// How far an archive is that is being written.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) projects: AtomicU64,
    pub(super) projects_total: AtomicU64,
    pub(super) bytes: AtomicU64,
}

/// Archives that are being written here: one at a time.
#[derive(Clone)]
pub(super) struct Exports {
    one: Arc<Semaphore>,
    running: Arc<Mutex<HashMap<AccountId, Arc<Progress>>>>,
}

impl Default for Exports {
    fn default() -> Self {
        Self { one: Arc::new(Semaphore::new(1)), running: Arc::default() }
    }
}

/// That an archive is being written, until it is dropped.
struct Writing {
    of: Exports,
    account: AccountId,
    progress: Arc<Progress>,
    _one: OwnedSemaphorePermit,
}

impl Exports {
    fn running(&self) -> MutexGuard<'_, HashMap<AccountId, Arc<Progress>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to write one, unless one is being written.
    fn begin(&self, account: AccountId) -> Option<Writing> {
        let one = self.one.clone().try_acquire_owned().ok()?;
        let progress = Arc::new(Progress::default());
        self.running().insert(account, progress.clone());
        Some(Writing { of: self.clone(), account, progress, _one: one })
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.of.running().remove(&self.account);
    }
}

fn none() -> Fault {
    Fault::new("export-not-found", "there is no archive of your data now: ask for one")
}

/// Asks for an archive of all that the asker's account has, in place of an earlier one.
///
/// # Errors
/// `export-running`, `address-unconfirmed`.
pub async fn begin(context: &Arc<RunContext>, ask: &BeginExport) -> Result<DataExport> {
    let signed = signed(&ask.principal)?;
    let running = || Fault::new("export-running", "an archive of your data is being written already");
    let row = read(context, signed.account).await?.ok_or_else(ended)?;
    if row.export.as_ref().is_some_and(|export| export.state == ExportState::Running) {
        return Err(running());
    }
    let (id, asked_ms) = (uuid::Uuid::new_v4().as_u128(), wall_ms());
    {
        let _beginning = context.beginning.mark(id)?;
        put_intent(context, id, IntentBody::Export { account: signed.account }).await?;
        audit::note(context, ask.principal.proof.into(), AuditAct::DataExported { of: signed.account }).await?;
        let asked = change(context, signed.account, &ask.visitor.address, |now| {
            if now.export.as_ref().is_some_and(|export| export.state == ExportState::Running) {
                return Err(running());
            }
            now.export = Some(ExportRow { id, asked_ms, state: ExportState::Running });
            Ok(Some(AccountAct::ExportAsked))
        });
        asked.await?;
    }
    // Told before it begins: it may be over the next moment.
    let told = get(context, &GetExport { principal: ask.principal }).await;
    spawn(context, signed.account, id);
    told
}

/// Writes an archive beside, if none is being written.
fn spawn(context: &Arc<RunContext>, account: AccountId, id: u128) {
    let Some(writing) = context.accounts.exports.begin(account) else { return };
    let context = context.clone();
    tokio::spawn(async move {
        if let Err(fault) = write(&context, account, id, &writing.progress).await {
            tracing::warn!(%fault, %account, "an archive of somebody's data waits for better times");
        }
        drop(writing);
    });
}

/// Writes an archive, and writes down how that ended.
async fn write(context: &Arc<RunContext>, account: AccountId, id: u128, progress: &Arc<Progress>) -> Result<()> {
    let Some(row) = read(context, account).await?.filter(|row| is_running(row, id)) else { return Ok(()) };
    let written = archive::write(context, &row, progress).await;
    let state = match written {
        Ok(info) => ExportState::Ready { digest: info.digest, bytes: info.bytes, ended_ms: wall_ms() },
        Err(fault) => {
            tracing::warn!(%fault, %account, "an archive of somebody's data could not be written");
            ExportState::Failed { code: fault.code, ended_ms: wall_ms() }
        }
    };
    let is_ready = matches!(state, ExportState::Ready { .. });
    let ended = change(context, account, "", |now| {
        let Some(export) = now.export.as_mut().filter(|export| export.id == id) else { return Ok(None) };
        export.state = state.clone();
        Ok(Some(AccountAct::ExportReady).filter(|_| is_ready))
    });
    ended.await?;
    if !is_ready {
        // Worth no entry in the log.
        touch(context, account, |now| {
            if let Some(export) = now.export.as_mut().filter(|export| export.id == id) {
                export.state = state.clone();
            }
        })
        .await?;
    }
    Ok(())
}

fn is_running(row: &AccountRow, id: u128) -> bool {
    row.export.as_ref().is_some_and(|export| export.id == id && export.state == ExportState::Running)
}

/// What the intent of an archive calls for: that it is written, or has gone when its time is over.
///
/// # Errors
/// What the stores say; the next look finds it again.
pub async fn mend(context: &Arc<RunContext>, intent: &IntentRow, account: AccountId) -> Result<()> {
    let row = read(context, account).await?.filter(|row| !row.is_going());
    let export = row.as_ref().and_then(|row| row.export.as_ref()).filter(|export| export.id == intent.id);
    let (Some(row), Some(export)) = (&row, export) else { return drop_intent(context, intent.id).await };
    let (ended_ms, digest) = match export.state {
        ExportState::Running => {
            spawn(context, account, intent.id);
            return Ok(());
        }
        ExportState::Ready { digest, ended_ms, .. } => (ended_ms, Some(digest)),
        ExportState::Failed { ended_ms, .. } => (ended_ms, None),
    };
    if wall_ms() < kept_until(ended_ms) {
        return Ok(());
    }
    if let Some(digest) = digest {
        context.blobs.delete(row.scope(), digest).await.map_err(|e| store_fault(&e))?;
    }
    touch(context, account, |now| {
        if now.export.as_ref().is_some_and(|export| export.id == intent.id) {
            now.export = None;
        }
    })
    .await
}

/// How the archive of the asker's account stands.
///
/// # Errors
/// `export-not-found`.
pub async fn get(context: &RunContext, ask: &GetExport) -> Result<DataExport> {
    let account = signed(&ask.principal)?.account;
    let row = read(context, account).await?.ok_or_else(ended)?;
    let export = row.export.ok_or_else(none)?;
    let (state, bytes, kept_until_ms, trouble) = match export.state {
        ExportState::Running => (ExportStands::Running, 0, None, None),
        ExportState::Ready { bytes, ended_ms, .. } => (ExportStands::Ready, bytes, Some(kept_until(ended_ms)), None),
        ExportState::Failed { code, ended_ms } => {
            let trouble = JobTrouble { code, detail: "the archive could not be written: ask for another one".into() };
            (ExportStands::Failed, 0, Some(kept_until(ended_ms)), Some(trouble))
        }
    };
    let progress = context.accounts.exports.running().get(&account).cloned();
    let told = |of: fn(&Progress) -> &AtomicU64| progress.as_ref().map_or(0, |one| of(one).load(Ordering::Relaxed));
    Ok(DataExport {
        state,
        asked_ms: export.asked_ms,
        projects: told(|one| &one.projects),
        projects_total: told(|one| &one.projects_total),
        bytes: if state == ExportStands::Running { told(|one| &one.bytes) } else { bytes },
        kept_until_ms,
        trouble,
    })
}

/// Signs an address of the archive of the asker's account.
///
/// # Errors
/// `export-not-found` for none that can be downloaded.
pub async fn sign(context: &RunContext, ask: &SignExport) -> Result<SignedReply> {
    let row = read(context, signed(&ask.principal)?.account).await?.ok_or_else(ended)?;
    let (digest, bytes) = ready(&row).ok_or_else(none)?;
    let file = ArtefactReply { digest, bytes, media_type: "application/zip".into() };
    links::sign_own(context, row.scope(), FILE_NAME, file, LINK_VALID_S)
}

/// The archive of an account that can be downloaded.
pub(crate) fn ready(row: &AccountRow) -> Option<(Digest, u64)> {
    match row.export.as_ref()?.state {
        ExportState::Ready { digest, bytes, ended_ms } if wall_ms() < kept_until(ended_ms) => Some((digest, bytes)),
        _ => None,
    }
}

/// The blobs in an account's own scope that its row names; `None` while one may come to be.
pub(crate) fn named(row: &AccountRow) -> Option<Vec<Digest>> {
    let archive = match row.export.as_ref().map(|export| &export.state) {
        Some(ExportState::Running) => return None,
        Some(ExportState::Ready { digest, .. }) => Some(*digest),
        Some(ExportState::Failed { .. }) | None => None,
    };
    Some(row.avatar.into_iter().chain(archive).collect())
}
