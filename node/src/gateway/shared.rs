//! Whose projects one connection follows: one's own, and those of each tenant that shared some.
//!
//! The core tells a tenant's events by tenant, so a connection is a follower for each of them.

use std::collections::{BTreeMap, BTreeSet};

use cluster::body::Fault;
use cluster::body::follow::RingMark;
use cluster::body::sharing::QueryShared;
use cluster::link::CallContext;
use domain::id::{ProjectId, TenantId};
use domain::principal::Principal;
use domain::project::{PAGE_MAX, ProjectQuery, Shown};
use tokio::sync::broadcast::{self, error::RecvError};

use super::follow::Asker;
use super::membership::reach_named;
use super::problem::ApiError;
use super::routes::Permission;

/// What one connection follows of one tenant.
#[derive(Clone)]
pub(super) struct Follower {
    /// Who follows, with the tenant whose projects these are.
    pub(super) principal: Principal,
    /// The projects; all of one's own where none are named.
    pub(super) named: Option<BTreeSet<ProjectId>>,
    /// The last event of each that is known.
    pub(super) known: BTreeMap<ProjectId, u64>,
    /// What the core said how far it looked.
    pub(super) since: Option<RingMark>,
}

fn fault(error: ApiError) -> Fault {
    Fault::new(&error.code, error.detail)
}

fn context(asker: &Asker) -> CallContext {
    CallContext { trace: asker.trace, ..CallContext::within(asker.deadline) }
}

async fn reach(asker: &Asker, project: ProjectId) -> Result<Principal, Fault> {
    let permission = Permission::ProjectRead;
    reach_named(&asker.gateway, asker.principal, project, permission, context(asker)).await.map_err(fault)
}

/// The projects that others gave whoever asks.
async fn given(asker: &Asker) -> Result<Vec<ProjectId>, Fault> {
    let principal = asker.principal;
    if principal.account().is_none() {
        return Ok(Vec::new());
    }
    let query = ProjectQuery { shown: Shown::Shared, ..ProjectQuery::default() };
    let ask = QueryShared { principal, query, limit: PAGE_MAX, cursor: None };
    let reply = asker.gateway.core.call(ask, context(asker)).await?;
    let live = reply.page.projects.into_iter().filter(|project| project.deleted.is_none());
    Ok(live.map(|project| project.id).collect())
}

/// A follower for each tenant of which something is followed.
///
/// # Errors
/// What the core says.
pub(super) async fn followers(
    asker: &Asker,
    named: Option<BTreeSet<ProjectId>>,
    mut known: BTreeMap<ProjectId, u64>,
) -> Result<Vec<Follower>, Fault> {
    let asked: Vec<ProjectId> = match &named {
        Some(named) => named.iter().copied().collect(),
        None => given(asker).await?,
    };
    let (mut of_others, mut own): (BTreeMap<TenantId, Follower>, BTreeSet<ProjectId>) = Default::default();
    for project in asked {
        let principal = reach(asker, project).await?;
        if principal.tenant == asker.principal.tenant {
            own.insert(project);
            continue;
        }
        let nothing = || Follower { principal, named: Some(BTreeSet::new()), known: BTreeMap::new(), since: None };
        let follower = of_others.entry(principal.tenant).or_insert_with(nothing);
        follower.named.get_or_insert_default().insert(project);
        follower.known.extend(known.remove(&project).map(|seq| (project, seq)));
    }
    let follows_own = named.is_none() || !own.is_empty() || of_others.is_empty();
    let own = Follower { principal: asker.principal, named: named.map(|_| own), known, since: None };
    Ok(follows_own.then_some(own).into_iter().chain(of_others.into_values()).collect())
}

/// Waits until something that others gave whoever follows is theirs no more.
pub(super) async fn until_lost(asker: &Asker, shared: &[Follower], mut unshared: broadcast::Receiver<ProjectId>) {
    let followed = |project: &ProjectId| {
        let of = |follower: &&Follower| follower.named.as_ref().is_some_and(|named| named.contains(project));
        shared.iter().find(of)
    };
    loop {
        let asked: Vec<ProjectId> = match unshared.recv().await {
            Ok(project) => vec![project],
            Err(RecvError::Lagged(_)) => shared.iter().flat_map(|one| one.named.iter().flatten().copied()).collect(),
            Err(RecvError::Closed) => return,
        };
        for project in asked {
            let Some(follower) = followed(&project) else { continue };
            // Who can't be asked about is let go: their browser comes back.
            if reach(asker, project).await.is_ok_and(|now| now.tenant == follower.principal.tenant) {
                continue;
            }
            return;
        }
    }
}
