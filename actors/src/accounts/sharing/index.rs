//! The projects that an account was given: an index, never a right.

use std::collections::HashMap;

use cluster::body::Fault;
use cluster::body::sharing::{QueryShared, SharedPageReply};
use domain::id::{AccountId, ProjectId};
use domain::sharing::{ProjectRole, SHARED_MAX};
use futures_util::future::try_join_all;
use store::Cas;
use store::rows::{ProjectRow, SharedProject, SharedRow};

use super::super::Result;
use super::super::rows::MAX_TRIES;
use super::{account_of, rows};
use crate::clock::wall_ms;
use crate::projects::listing;
use crate::run::RunContext;
use crate::store_fault;

/// Projects that are read at a time.
const READS: usize = 16;
/// What is named and not true for so long, milliseconds, was left behind: whoever is about to join takes less.
const LEFT_MS: u64 = 3_600 * 1_000;

async fn change(context: &RunContext, account: AccountId, change: impl Fn(&mut SharedRow) -> Result<()>) -> Result<()> {
    let store = |e| store_fault(&e);
    for _ in 0..MAX_TRIES {
        let row = context.records.shared_get(account).await.map_err(store)?;
        let mut changed = row.clone();
        change(&mut changed)?;
        if changed == row {
            return Ok(());
        }
        // One whose outcome is not known is looked at again: it says by itself whether there is more to do.
        if let Cas::Applied(_) = context.records.shared_update(changed, row.version).await.map_err(store)? {
            return Ok(());
        }
    }
    Err(Fault::new("conflict", "too much is shared with this account at a time; try again").retry_after(200))
}

/// Names a project that is about to be shared with an account.
///
/// # Errors
/// `too-many-shared`, what the store says.
pub(super) async fn add(context: &RunContext, account: AccountId, project: ProjectId, since_ms: u64) -> Result<()> {
    change(context, account, |row| {
        row.projects.retain(|there| there.project != project);
        if row.projects.len() >= SHARED_MAX {
            let detail = format!("at most {SHARED_MAX} projects can be shared with you: leave one first");
            return Err(Fault::new("too-many-shared", detail));
        }
        row.projects.push(SharedProject { project, since_ms });
        Ok(())
    })
    .await
}

/// Takes away a project of which a membership has ended; what names a later one stays. What can't be done now is done
/// by a list.
pub(super) async fn drop_one(context: &RunContext, account: AccountId, project: ProjectId, since_ms: u64) {
    let over = SharedProject { project, since_ms };
    drop_all(context, account, &[over]).await;
}

async fn drop_all(context: &RunContext, account: AccountId, over: &[SharedProject]) {
    let dropped = change(context, account, |row| {
        row.projects.retain(|there| !over.contains(there));
        Ok(())
    });
    if let Err(fault) = dropped.await {
        tracing::debug!(%fault, "what is shared with an account no more is cleared away later");
    }
}

/// A page of the projects that others gave the asker. What is named and not true is left out, and cleared away once it
/// is old.
///
/// # Errors
/// `account-needed`, `bad-cursor`, `bad-request` for a search that is too long.
pub async fn page(context: &RunContext, ask: &QueryShared) -> Result<SharedPageReply> {
    let account = account_of(&ask.principal)?;
    let named = context.records.shared_get(account).await.map_err(|e| store_fault(&e))?.projects;
    let mut found: Vec<Option<(ProjectRow, ProjectRole)>> = Vec::with_capacity(named.len());
    for some in named.chunks(READS) {
        found.extend(try_join_all(some.iter().map(|one| look(context, account, one.project))).await?);
    }
    let now_ms = wall_ms();
    let is_over = |one: &SharedProject| now_ms.saturating_sub(one.since_ms) >= LEFT_MS;
    let untrue = named.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(one, _)| *one);
    let over: Vec<SharedProject> = untrue.filter(is_over).collect();
    if !over.is_empty() {
        drop_all(context, account, &over).await;
    }
    let found: Vec<(ProjectRow, ProjectRole)> = found.into_iter().flatten().collect();
    let roles: HashMap<ProjectId, ProjectRole> = found.iter().map(|(row, role)| (row.project, *role)).collect();
    let projects = found.into_iter().map(|(row, _)| row).collect();
    let (tenant, cursor) = (ask.principal.tenant, ask.cursor.as_deref());
    let page = listing::paged(context, tenant, projects, &ask.query, ask.limit, cursor).await?;
    // Each of the page's is one of those.
    let of = |id: &ProjectId| roles.get(id).copied().unwrap_or(ProjectRole::Viewer);
    let roles = page.projects.iter().map(|project| of(&project.id)).collect();
    Ok(SharedPageReply { page, roles })
}

/// A project that an account has, and as what.
async fn look(
    context: &RunContext,
    account: AccountId,
    project: ProjectId,
) -> Result<Option<(ProjectRow, ProjectRole)>> {
    let row = rows::at_hand(context, project).await?;
    let Some((row, member)) = row.as_ref().as_ref().and_then(|row| Some((row, row.member(account)?))) else {
        return Ok(None);
    };
    let project = context.records.project_get(row.tenant, project).await.map_err(|e| store_fault(&e))?;
    Ok(project.filter(|project| !project.deleted).map(|project| (project, member.role)))
}
