//! As whom a request goes on that asks for a project: with its own tenant for its own, with the tenant that has the
//! project where it was shared.
//!
//! [`access`](super::access) knows who asks; here the core is asked what they may do with the project that the request
//! names, in its path or its body, before anything is done. A handler then sees the tenant of the project and the
//! account that asks, and need not know that they are two people's. `docs/security.md` is the policy in words.

use std::sync::Arc;
use std::time::Duration;

use actors::accounts::sessions::LONGEST;
use actors::clock::wall_ms;
use cluster::body::sharing::ReachProject;
use cluster::link::CallContext;
use domain::account::Secret;
use domain::analysis::AnalysisId;
use domain::id::{ProjectId, TenantId};
use domain::principal::{Principal, Proof};
use domain::sharing::ProjectRole;
use tokio::sync::broadcast::error::RecvError;

use super::Gateway;
use super::access::{Credential, authorise, check_scope, identify};
use super::problem::ApiError;
use super::routes::{ByKey, Permission, Route};

/// How long the core may take to say again who has a stream open.
const ASK_AGAIN: Duration = Duration::from_secs(5);
/// How long a key that ended by itself may go on following something.
const KEY_AGAIN: Duration = Duration::from_secs(10);

/// All that says who asks, and for what: kept with a stream, it is asked again.
#[derive(Clone, Debug)]
pub struct Way {
    /// What the route wants.
    pub permission: Permission,
    /// What a key has to be for, to use it.
    pub by_key: ByKey,
    /// What shows who asks.
    pub credential: Credential,
    /// What shows that a share link was opened.
    pub visit: Option<Secret>,
    /// The project that is asked for.
    pub project: Option<ProjectId>,
}

/// Who was let in, and as whom.
#[derive(Clone, Copy, Debug)]
pub struct Admitted {
    /// Who asks, with their own tenant.
    pub asker: Principal,
    /// The same, with the tenant that has what is asked for.
    pub principal: Principal,
    /// What they may do with the project.
    pub role: ProjectRole,
    /// Until when, milliseconds since 1970 UTC.
    pub until_ms: Option<u64>,
}

impl From<Principal> for Admitted {
    /// Somebody who asks for what is their own.
    fn from(principal: Principal) -> Self {
        Self { asker: principal, principal, role: ProjectRole::Owner, until_ms: None }
    }
}

impl Admitted {
    /// Whose requests these are counted as: the asker's; of a share link, all that it lets in together.
    pub fn counted(&self) -> TenantId {
        match self.principal.proof {
            Proof::Visit(visit) => TenantId(visit.link.0),
            _ => self.asker.tenant,
        }
    }
}

/// The project that a path is about.
pub fn project_of(route: &Route, path: &[String]) -> Option<ProjectId> {
    let first = path.first()?;
    match route.path {
        path if path.contains("/{project}") => first.parse().ok(),
        path if path.ends_with("/{analysis}") => first.parse().ok().map(|analysis: AnalysisId| analysis.project),
        _ => None,
    }
}

/// What somebody has to be to a project for a permission.
fn least(permission: Permission) -> ProjectRole {
    match permission {
        Permission::ProjectWrite => ProjectRole::Editor,
        Permission::ProjectOwn => ProjectRole::Owner,
        _ => ProjectRole::Viewer,
    }
}

fn forbidden() -> ApiError {
    ApiError::new("forbidden", "your role in this project does not allow this: ask one of its owners")
}

/// Who asks, if they may; `local` is whoever sits at the machine, where that may be who it is.
///
/// # Errors
/// As [`identify`] and [`authorise`]; `forbidden` for whose role in the project is too small. Who has nothing of the
/// project goes on as themselves, and finds nothing.
pub async fn admit(
    gateway: &Gateway,
    way: &Way,
    local: Option<Principal>,
    context: CallContext,
) -> Result<Admitted, ApiError> {
    // Boxed: of this a connection keeps nothing while it is answered.
    let own = Box::pin(identify(gateway, &way.credential, local, context)).await;
    let own = own.and_then(|own| {
        check_scope(way.by_key, &own)?;
        authorise(way.permission, &own, wall_ms()).map(|()| own)
    });
    let (asker, refusal) = match (own, &way.visit) {
        (Ok(own), _) => (own, None),
        (Err(refusal), Some(_)) => (Principal::NOBODY, Some(refusal)),
        (Err(refusal), None) => return Err(refusal),
    };
    let Some(project) = way.project else { return refusal.map_or_else(|| Ok(asker.into()), Err) };
    match (reach(gateway, asker, project, way.visit.clone(), context).await?, refusal) {
        (admitted, Some(refusal)) if admitted.principal.proof == Proof::Nobody => Err(refusal),
        (admitted, _) if admitted.role < least(way.permission) => Err(forbidden()),
        (admitted, _) => Ok(admitted),
    }
}

async fn reach(
    gateway: &Gateway,
    principal: Principal,
    project: ProjectId,
    visit: Option<Secret>,
    context: CallContext,
) -> Result<Admitted, ApiError> {
    // They have one tenant's projects, all of them, and nobody else's.
    if matches!(principal.proof, Proof::LocalTrust | Proof::Node) {
        return Ok(principal.into());
    }
    let ask = ReachProject { principal, project, visit };
    let reached = match gateway.at_hand.as_ref().and_then(|at_hand| at_hand.reach(&ask)) {
        Some(reached) => reached,
        None => gateway.core.call(ask, context).await?,
    };
    Ok(Admitted { asker: principal, principal: reached.principal, role: reached.role, until_ms: reached.until_ms })
}

/// As whom somebody goes on with a project that a body names, if they may.
///
/// # Errors
/// `forbidden`, what the core says.
pub async fn reach_named(
    gateway: &Gateway,
    asker: Principal,
    project: ProjectId,
    permission: Permission,
    context: CallContext,
) -> Result<Principal, ApiError> {
    let admitted = reach(gateway, asker, project, None, context).await?;
    if admitted.role < least(permission) { Err(forbidden()) } else { Ok(admitted.principal) }
}

/// Waits until whoever opened a stream may not have it any more: their session ended, their key was revoked or is over,
/// they were removed from the project, their share link was revoked or is over, or the node that trusted them for
/// sitting at its machine has its first account.
pub async fn until_revoked(gateway: Arc<Gateway>, way: Way, admitted: Admitted) {
    let (mut revoked, mut unshared) = (gateway.auth.revoked.subscribe(), gateway.auth.unshared.subscribe());
    match admitted.principal.proof {
        Proof::LocalTrust => {
            let mut claimed = gateway.auth.claimed.clone();
            // A sender that is gone belongs to a node that stops.
            let _ = claimed.wait_for(|claimed| *claimed).await;
            return;
        }
        Proof::Node => std::future::pending().await,
        Proof::Nobody | Proof::Session(_) | Proof::Key(_) | Proof::Visit(_) => {}
    }
    let account = admitted.asker.account();
    // A key ends by itself. Asking for a session would count as its being used, which following something is not.
    let again = if matches!(admitted.asker.proof, Proof::Key(_)) { KEY_AGAIN } else { LONGEST };
    loop {
        // Asked for the first time when revocations are listened to already: none falls in between. Who can't be asked
        // about is let go: their browser comes back.
        let Ok(now) = admit(&gateway, &way, None, CallContext::within(ASK_AGAIN)).await else { return };
        // Somebody to whom the project is nothing any more is let in as themselves, to find nothing.
        if now.principal.tenant != admitted.principal.tenant {
            return;
        }
        let (over, again) = (until(now.until_ms), tokio::time::sleep(again));
        tokio::pin!(over, again);
        loop {
            tokio::select! {
                said = revoked.recv() => match said {
                    Ok(of) if Some(of) != account => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return,
                },
                said = unshared.recv() => match said {
                    Ok(of) if Some(of) != way.project => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return,
                },
                () = &mut again => break,
                () = &mut over => return,
            }
        }
    }
}

/// Waits for a time of the wall clock, milliseconds since 1970 UTC; where there is none, for ever.
async fn until(at_ms: Option<u64>) {
    match at_ms {
        Some(at_ms) => tokio::time::sleep(Duration::from_millis(at_ms.saturating_sub(wall_ms()))).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::super::routes::table;
    use super::*;

    #[test]
    fn every_route_that_is_about_a_project_says_which() {
        let routes = table();
        let of_one = |route: &&Route| {
            let permission = route.permission;
            matches!(
                permission,
                Permission::ProjectRead | Permission::ProjectMember | Permission::ProjectWrite | Permission::ProjectOwn
            )
        };
        let about: Vec<&Route> = routes.iter().filter(of_one).collect();
        assert!(about.len() > 20);
        for route in about {
            let id = ProjectId(7).to_string();
            let analysis = format!("summarize.{id}.{id}");
            let path = [if route.path.contains("{analysis}") { analysis } else { id }];
            assert_eq!(project_of(route, &path), Some(ProjectId(7)), "{}", route.id);
        }
        for route in routes.iter().filter(|route| route.path.contains("{project}")) {
            assert!(of_one(&route), "{}: whoever may use it is asked about the project", route.id);
        }
    }
}
