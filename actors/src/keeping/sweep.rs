//! Removing blobs that nothing names: of an upload whose client and node both vanished between the stored bytes and
//! the row, of runs that are kept no more.
//!
//! Blobs are listed first and rows read then, so that whatever was named between is seen as named; and a blob that was
//! put or linked within the grace is left, for somebody may be about to name it. The removal looks at that once more.

use std::sync::PoisonError;
use std::time::Duration;

use cluster::body::keeping::SweepBlobs;
use cluster::body::{Fault, Scope};
use domain::health::{Orphan, SweepReport, SweepTotals};
use domain::id::UploadId;
use store::{BlobEntry, BlobScope, StoreError};

use super::jobs::{JobKind, Running};
use super::named::{Named, named};
use crate::clock::{ms, wall_ms};
use crate::run::RunContext;
use crate::{store_fault, uploads};

/// Scopes and blobs that are listed at once.
const LIST: u32 = 1_000;
/// Old blobs of a project that one sweep looks at; the next one goes on.
const CANDIDATES_MAX: usize = 200_000;
/// Orphans that a report names.
const NAMED_MAX: usize = 100;

/// Sweeps as the node does by itself; what goes wrong is logged, and mended by the next time.
pub async fn by_itself(context: &RunContext) {
    let Ok(_one) = context.keeping.one_sweep.try_acquire() else { return };
    match sweep(context, context.keeping.grace, false).await {
        Ok(report) if report.orphans > 0 => tracing::info!(
            blobs = report.orphans,
            bytes = report.orphan_bytes,
            young = report.young,
            "removed blobs that nothing named"
        ),
        Ok(report) => tracing::debug!(scopes = report.scopes, "every blob is named, or young"),
        Err(fault) => tracing::warn!(%fault, "blobs could not be swept"),
    }
}

/// Sweeps because somebody asks.
///
/// # Errors
/// `bad-request` for a grace that is too short while the node runs, `sweep-running`, and what the stores say.
pub async fn asked(context: &RunContext, ask: &SweepBlobs) -> Result<SweepReport, Fault> {
    let keeping = &context.keeping;
    let grace = ask.grace_s.map_or(keeping.grace, Duration::from_secs);
    if grace < keeping.grace_min {
        let detail = format!("while the node runs, blobs of the last {} s are left", keeping.grace_min.as_secs());
        return Err(Fault::new("bad-request", detail));
    }
    let running = |_| Fault::new("sweep-running", "another sweep is under way; try again").retry_after(5_000);
    let _one = keeping.one_sweep.try_acquire().map_err(running)?;
    sweep(context, grace, ask.dry_run).await
}

async fn sweep(context: &RunContext, grace: Duration, dry_run: bool) -> Result<SweepReport, Fault> {
    let job = context.keeping.jobs.begin(JobKind::Sweep);
    let swept = sweep_scopes(context, grace, dry_run, &job).await;
    job.end(swept.as_ref().err());
    swept
}

async fn sweep_scopes(
    context: &RunContext,
    grace: Duration,
    dry_run: bool,
    job: &Running,
) -> Result<SweepReport, Fault> {
    let sweep = Sweep { context, before_ms: wall_ms().saturating_sub(ms(grace)), dry_run };
    let mut report = SweepReport { dry_run, ..SweepReport::default() };
    let mut last = None;
    loop {
        let scopes = context.blobs.scopes(last, LIST).await.map_err(|e| store_fault(&e))?;
        let Some(end) = scopes.last() else { break };
        last = Some(*end);
        for scope in scopes {
            match sweep.scope(scope, &mut report).await {
                Ok(()) => {}
                // One project that can't be looked at must not hold up the others; a backup holds all of them.
                Err(StoreOr::Store(StoreError::Held)) => return Err(store_fault(&StoreError::Held)),
                Err(error) => {
                    report.left_alone += 1;
                    tracing::warn!(error = %error.text(), project = %scope.project, "a project could not be swept");
                }
            }
            job.went_on(|job| {
                (job.scopes, job.bytes) = (report.scopes, report.orphan_bytes);
                job.blobs = report.named + report.young + report.orphans;
            });
        }
    }
    if !dry_run {
        let mut totals = context.keeping.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let SweepTotals { sweeps, blobs, bytes } = *totals;
        *totals = SweepTotals { sweeps: sweeps + 1, blobs: blobs + report.orphans, bytes: bytes + report.orphan_bytes };
    }
    Ok(report)
}

/// Why a project could not be swept.
enum StoreOr {
    Store(StoreError),
    Fault(Fault),
}

impl StoreOr {
    fn text(&self) -> String {
        match self {
            Self::Store(error) => error.to_string(),
            Self::Fault(fault) => fault.to_string(),
        }
    }
}

struct Sweep<'a> {
    context: &'a RunContext,
    /// What changed since is left.
    before_ms: u64,
    dry_run: bool,
}

impl Sweep<'_> {
    async fn scope(&self, scope: BlobScope, report: &mut SweepReport) -> Result<(), StoreOr> {
        report.scopes += 1;
        if !self.dry_run {
            let upload = UploadId(scope.project.0);
            uploads::mend_expired(self.context, scope.tenant, upload).await.map_err(StoreOr::Fault)?;
        }
        let entries = self.listed(scope).await.map_err(StoreOr::Store)?;
        if entries.is_empty() {
            return Ok(());
        }
        // After the list: what a row came to name meanwhile is named.
        let of = Scope { tenant: scope.tenant, project: scope.project };
        let digests = match named(self.context, of).await.map_err(StoreOr::Fault)? {
            Named::These(digests) => digests,
            Named::LeaveAlone(why) => {
                tracing::debug!(project = %scope.project, why, "blobs are left alone");
                report.left_alone += 1;
                return Ok(());
            }
        };
        for entry in entries {
            if digests.contains(&entry.info.digest) {
                report.named += 1;
            } else if self.removed(scope, entry).await.map_err(StoreOr::Store)? {
                report.orphans += 1;
                report.orphan_bytes += entry.info.bytes;
                if report.first.len() < NAMED_MAX {
                    let (digest, bytes) = (entry.info.digest, entry.info.bytes);
                    report.first.push(Orphan { tenant: scope.tenant, project: scope.project, digest, bytes });
                }
            } else {
                report.young += 1;
            }
        }
        Ok(())
    }

    async fn listed(&self, scope: BlobScope) -> Result<Vec<BlobEntry>, StoreError> {
        let (mut entries, mut last) = (Vec::new(), None);
        while entries.len() < CANDIDATES_MAX {
            let page = self.context.blobs.list(scope, last, LIST).await?;
            let Some(end) = page.last() else { break };
            last = Some(end.info.digest);
            entries.extend(page);
        }
        Ok(entries)
    }

    /// Removes a blob that nothing names, if it is old enough; whether it is, or would be, gone.
    async fn removed(&self, scope: BlobScope, entry: BlobEntry) -> Result<bool, StoreError> {
        if entry.changed_ms >= self.before_ms {
            return Ok(false);
        }
        if self.dry_run {
            return Ok(true);
        }
        self.context.blobs.remove_older(scope, entry.info.digest, self.before_ms).await
    }
}
