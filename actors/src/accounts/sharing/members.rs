//! Who has a project, in which role; leaving.

use std::sync::Arc;

use cluster::body::Fault;
use cluster::body::sharing::{ChangeMember, ListMembers, MembersReply, RemoveMember};
use domain::account::AccountAct;
use domain::id::AccountId;
use domain::principal::Principal;
use domain::project::{Act, Actor};
use domain::sharing::{Member, Members, ProjectRole};
use futures_util::future::try_join_all;
use store::rows::{AccessRow, AccountRow};

use super::super::Result;
use super::super::rows::at_hand as account_at_hand;
use super::{account_of, enter, index, invitations, links, must, no_project, role_in, rows, tell, write_down};
use crate::clock::wall_ms;
use crate::run::RunContext;

/// Accounts that are read at a time.
const READS: usize = 16;

fn no_member() -> Fault {
    Fault::new("member-not-found", "the project has no such member")
}

fn payer_stays() -> Fault {
    Fault::new("payer-stays", "whoever pays for a project stays its owner; they can delete it")
}

/// Who has a project, as the asker may see it. Members whose accounts are gone are cleared away.
///
/// # Errors
/// `project-not-found`.
pub async fn list(context: &RunContext, ask: &ListMembers) -> Result<MembersReply> {
    let (_, row) = enter(context, &ask.principal, ask.project, ProjectRole::Viewer).await?;
    let role = role_in(&row, &ask.principal).ok_or_else(no_project)?;
    let asker = ask.principal.account();
    // A tenant has one account: whoever asks for what is their tenant's pays for it.
    let payer = row.payer.or(asker.filter(|_| ask.principal.tenant == row.tenant));
    let of_payer = payer.map(|account| (account, ProjectRole::Owner, None));
    let of_others = row.members.iter().map(|member| (member.account, member.role, Some(member.since_ms)));
    let all: Vec<_> = of_payer.into_iter().chain(of_others).collect();
    let accounts = found(context, all.iter().map(|(account, ..)| *account)).await?;
    let (mut members, mut gone) = (Vec::with_capacity(all.len()), Vec::new());
    for ((account, its_role, since_ms), row) in all.into_iter().zip(accounts) {
        let Some(row) = row else {
            gone.push(account);
            continue;
        };
        let you = asker == Some(account);
        let email = (you || role == ProjectRole::Owner).then(|| row.email.clone());
        let (name, payer) = (row.name.clone(), since_ms.is_none());
        members.push(Member { account, name, email, role: its_role, since_ms, payer, you });
    }
    if !gone.is_empty() {
        forget(context, &row, &gone).await;
    }
    let now_ms = wall_ms();
    let (invitations, links) = match role {
        ProjectRole::Owner => (invitations::views(&row, now_ms), links::views(&row, now_ms)),
        ProjectRole::Viewer | ProjectRole::Editor => Default::default(),
    };
    Ok(MembersReply { members: Members { members, invitations }, links })
}

async fn found(
    context: &RunContext,
    accounts: impl Iterator<Item = AccountId>,
) -> Result<Vec<Option<Arc<AccountRow>>>> {
    let (accounts, mut rows) = (accounts.collect::<Vec<_>>(), Vec::new());
    for some in accounts.chunks(READS) {
        rows.extend(try_join_all(some.iter().map(|account| account_at_hand(context, *account))).await?);
    }
    Ok(rows)
}

/// Forgets members whose accounts are gone: an account's id is never used again.
async fn forget(context: &RunContext, row: &AccessRow, gone: &[AccountId]) {
    let forgotten = rows::change(context, row.tenant, row.project, |row| {
        gone.iter().for_each(|member| take_out(row, *member));
        Ok(())
    });
    if let Err(fault) = forgotten.await {
        tracing::debug!(%fault, project = %row.project, "members whose accounts are gone are forgotten later");
    }
}

/// A member is out, and with them what they gave out.
pub(super) fn take_out(row: &mut AccessRow, member: AccountId) {
    row.members.retain(|one| one.account != member);
    end_what_they_gave(row, member);
}

/// What an owner gave out ends with their being one: else they would still have it.
fn end_what_they_gave(row: &mut AccessRow, account: AccountId) {
    row.invitations.retain(|invitation| invitation.by != account);
    row.links.retain(|link| link.by != Actor::Account(account));
}

/// Gives a member another role.
///
/// # Errors
/// `forbidden`, `member-not-found`, `payer-stays`.
pub async fn change_role(context: &RunContext, ask: &ChangeMember) -> Result<()> {
    let (within, row) = enter(context, &ask.principal, ask.project, ProjectRole::Owner).await?;
    let (member, role) = (ask.member, ask.role);
    refuse_payer(&row, &ask.principal, member)?;
    if row.member(member).ok_or_else(no_member)?.role == role {
        return Ok(());
    }
    let what = AccountAct::ChangedMember { project: ask.project, member, role };
    write_down(context, &ask.principal, &ask.visitor, what).await?;
    rows::change(context, row.tenant, ask.project, |row| {
        must(row, &ask.principal, ProjectRole::Owner)?;
        row.members.iter_mut().find(|one| one.account == member).ok_or_else(no_member)?.role = role;
        if role < ProjectRole::Owner {
            end_what_they_gave(row, member);
        }
        Ok(())
    })
    .await?;
    tell(context, within, ask.project, Act::MemberChanged { member, role }).await;
    Ok(())
}

fn refuse_payer(row: &AccessRow, principal: &Principal, member: AccountId) -> Result<()> {
    let asks = principal.tenant == row.tenant && account_of(principal).is_ok_and(|account| account == member);
    if asks || row.payer == Some(member) { Err(payer_stays()) } else { Ok(()) }
}

/// Removes a member, or lets the asker leave. From then on they have nothing of the project.
///
/// # Errors
/// `forbidden`, `member-not-found`, `payer-stays`.
pub async fn remove(context: &RunContext, ask: &RemoveMember) -> Result<()> {
    let (principal, project, member) = (&ask.principal, ask.project, ask.member);
    let leaves = account_of(principal).is_ok_and(|account| account == member);
    let least = if leaves { ProjectRole::Viewer } else { ProjectRole::Owner };
    let (within, row) = enter(context, principal, project, least).await?;
    refuse_payer(&row, principal, member)?;
    let since_ms = row.member(member).ok_or_else(no_member)?.since_ms;
    let what = match leaves {
        true => AccountAct::Left { project },
        false => AccountAct::RemovedMember { project, member },
    };
    write_down(context, principal, &ask.visitor, what).await?;
    rows::change(context, row.tenant, project, |row| {
        must(row, principal, least)?;
        row.member(member).ok_or_else(no_member)?;
        take_out(row, member);
        Ok(())
    })
    .await?;
    tell(context, within, project, if leaves { Act::Left } else { Act::MemberRemoved { member } }).await;
    index::drop_one(context, member, project, since_ms).await;
    Ok(())
}
