//! Projects of several people.
//!
//! Who has a project stands in one row of that project ([`store::rows::AccessRow`]), and each deed is one
//! compare-and-set of it: of somebody who accepts an invitation and somebody who withdraws it at that moment, one
//! wins. A second row, of each account, names the projects that it was given, so that they can be listed; it is an
//! index, and gives nobody anything. It is written before somebody joins and after somebody leaves, so it names at
//! least what is true; what a crash leaves in it is left out of lists, and cleared away by them.
//!
//! | module | holds |
//! |---|---|
//! | here | what somebody may do with a project |
//! | [`members`] | who has it, in which role; leaving |
//! | [`invitations`] | who is about to |
//! | [`links`] | addresses that show it |
//! | [`index`] | the projects that an account was given |
//! | [`leaving`] | what becomes of it all when an account goes |
//! | `rows` | rows found, changed |

pub mod index;
pub mod invitations;
pub mod leaving;
pub mod links;
pub mod members;
mod rows;

use std::sync::Arc;

use cluster::body::Fault;
use cluster::body::accounts::Visitor;
use cluster::body::sharing::{NoteBackup, ReachProject, ReachedReply};
use domain::account::AccountAct;
use domain::audit::AuditAct;
use domain::id::{AccountId, ProjectId, TenantId};
use domain::principal::Principal;
use domain::project::Act;
use domain::sharing::ProjectRole;
use store::rows::AccessRow;
use tokio::sync::broadcast;

use super::{REVOKED_MAX, Result, audit};
use crate::projects;
use crate::run::RunContext;

/// What sharing shares.
#[derive(Clone)]
pub(super) struct Sharing {
    /// Projects of which somebody may have lost something.
    pub(super) changed: broadcast::Sender<ProjectId>,
}

impl Default for Sharing {
    fn default() -> Self {
        Self { changed: broadcast::channel(REVOKED_MAX).0 }
    }
}

fn no_project() -> Fault {
    Fault::new("project-not-found", "there is no such project")
}

fn forbidden() -> Fault {
    Fault::new("forbidden", "your role in this project does not allow this: ask one of its owners")
}

/// What an asker, named with their own tenant, may do with a project that has this row.
fn role_in(row: &AccessRow, principal: &Principal) -> Option<ProjectRole> {
    if principal.tenant == row.tenant {
        return Some(ProjectRole::Owner);
    }
    row.member(principal.account()?).map(|member| member.role)
}

/// Makes sure that an asker may do what this role may.
///
/// # Errors
/// `forbidden`; `project-not-found` for who is no member.
fn must(row: &AccessRow, principal: &Principal, least: ProjectRole) -> Result<()> {
    match role_in(row, principal).ok_or_else(no_project)? {
        role if role >= least => Ok(()),
        _ => Err(forbidden()),
    }
}

/// What is said of a request for a project.
pub(crate) struct Reached {
    /// As whom it goes on.
    pub(crate) reply: ReachedReply,
    /// Who gave out what lets it in, by a share link: that shows nothing while one of them leaves.
    pub(crate) given_by: Vec<AccountId>,
}

/// Nothing of somebody else's.
fn nothing(ask: &ReachProject) -> ReachedReply {
    ReachedReply { principal: ask.principal, role: ProjectRole::Owner, until_ms: None }
}

/// As whom somebody goes on who asks for a project: as themselves for their own, and for what is nothing to them, so
/// that they find nothing; else with the tenant that has it, and what they may do. It is asked with each request, and
/// answered from what is at hand.
///
/// # Errors
/// What the store says.
pub async fn reach(context: &RunContext, ask: &ReachProject) -> Result<ReachedReply> {
    let row = rows::at_hand(context, ask.project).await?;
    let reached = reached(context, row.as_ref().as_ref(), ask);
    if leaving::all_stay(context, &reached.given_by).await? { Ok(reached.reply) } else { Ok(nothing(ask)) }
}

/// The same by who has the project.
pub(crate) fn reached(context: &RunContext, row: Option<&AccessRow>, ask: &ReachProject) -> Reached {
    let own = nothing(ask);
    let alone = |reply| Reached { reply, given_by: Vec::new() };
    let Some(row) = row else { return alone(own) };
    if let Some(role) = role_in(row, &ask.principal) {
        return alone(ReachedReply { principal: Principal { tenant: row.tenant, ..ask.principal }, role, ..own });
    }
    let visit = ask.visit.as_ref().and_then(|visit| links::visit(context, row, visit));
    visit.unwrap_or_else(|| alone(own))
}

/// A project that somebody does something with, as it stands: its tenant.
///
/// # Errors
/// `project-not-found` for who has not got it; `forbidden` for whose role is too small.
async fn enter(
    context: &RunContext,
    principal: &Principal,
    project: ProjectId,
    least: ProjectRole,
) -> Result<(Principal, AccessRow)> {
    let row = rows::read(context, project).await?;
    let row = row.unwrap_or_else(|| AccessRow::alone(principal.tenant, project));
    must(&row, principal, least)?;
    let within = Principal { tenant: row.tenant, ..*principal };
    projects::find(context, within, project).await?;
    Ok((within, row))
}

/// Writes down in the asker's log what they are about to do elsewhere: first, so that nothing is done without it.
/// Whoever sits at the machine has no log; the project's own says so.
async fn write_down(context: &RunContext, principal: &Principal, from: &Visitor, what: AccountAct) -> Result<()> {
    match principal.account() {
        Some(account) => super::views::note(context, account, &from.address, what).await,
        None => Ok(()),
    }
}

/// Tells those who have a stream of a project open, and writes down in its log what was done.
async fn tell(context: &RunContext, within: Principal, project: ProjectId, what: Act) {
    // Nobody has to be listening.
    let _ = context.accounts.sharing.changed.send(project);
    projects::note(context, within, project, what).await;
}

/// Forgets who had a project that is being erased. Done again, it finds nothing.
///
/// # Errors
/// What the store says.
pub async fn erase(context: &RunContext, project: ProjectId) -> Result<()> {
    context.records.access_remove(project).await.map_err(|e| crate::store_fault(&e))?;
    let _ = context.accounts.sharing.changed.send(project);
    Ok(())
}

/// The tenant of whoever asks, whatever tenant's project they ask for.
///
/// # Errors
/// `session-ended` where their account is gone.
pub async fn own_tenant(context: &RunContext, principal: &Principal) -> Result<TenantId> {
    match principal.account() {
        None => Ok(principal.tenant),
        Some(account) => {
            let row = super::rows::at_hand(context, account).await?;
            row.map(|row| row.tenant).ok_or_else(super::ended)
        }
    }
}

/// Writes down, in the admin's log and the node's, that a backup is made, which holds every book: first, so that none
/// is made without it.
///
/// # Errors
/// What the store says.
pub async fn note_backup(context: &Arc<RunContext>, ask: &NoteBackup) -> Result<()> {
    write_down(context, &ask.principal, &ask.visitor, AccountAct::BackedUp).await?;
    audit::note(context, ask.principal.proof.into(), AuditAct::BackupBegun).await
}

/// The asker's account.
fn account_of(principal: &Principal) -> Result<AccountId> {
    let none = || Fault::new("account-needed", "this is about an account, and nobody is signed in to one");
    principal.account().ok_or_else(none)
}
