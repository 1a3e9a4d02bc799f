//! Inviting somebody to a project, by mail.
//!
//! Whether the address has an account is not looked up: the answer, the time that it takes and the letter are the same.

use std::sync::Arc;

use cluster::body::Fault;
use cluster::body::sharing::{AcceptInvitation, InvitationReply, InviteMember, WithdrawInvitation};
use domain::account::{AccountAct, Email};
use domain::id::{AccountId, ProjectId};
use domain::principal::Principal;
use domain::project::Act;
use domain::sharing::{INVITATIONS_MAX, Invitation, Joined, MEMBERS_MAX, ProjectRole};
use store::rows::{AccessRow, InvitationRow, MemberRow};

use super::super::joining::{address, no_link};
use super::super::letters::Letter;
use super::super::rows::{at_hand as account_at_hand, read as read_account};
use super::super::token::{Token, TokenKind};
use super::super::{Result, after, attempts, ended, send};
use super::{account_of, enter, index, must, rows, tell, write_down};
use crate::clock::wall_ms;
use crate::keyed::other_request;
use crate::run::RunContext;

/// How long an invitation can be accepted, milliseconds.
const VALID_MS: u64 = 7 * 24 * 3_600 * 1_000;

fn view(row: &InvitationRow) -> Invitation {
    Invitation {
        id: row.invitation,
        email: row.email.clone(),
        role: row.role,
        by: row.by,
        invited_ms: row.invited_ms,
        expires_ms: row.expires_ms,
    }
}

/// The invitations of a project that can be accepted, the newest first.
pub(super) fn views(row: &AccessRow, now_ms: u64) -> Vec<Invitation> {
    row.invitations.iter().rev().filter(|invitation| now_ms < invitation.expires_ms).map(view).collect()
}

fn too_many(what: &str, most: usize) -> Fault {
    Fault::new(&format!("too-many-{what}"), format!("a project has at most {most} {what}: take some away first"))
}

/// Invites an address, in place of an earlier invitation of it, and mails the link.
///
/// # Errors
/// `account-needed`, `forbidden`, `bad-email`, `too-many-attempts`, `too-many-invitations`, `unavailable`.
pub async fn invite(context: &Arc<RunContext>, ask: &InviteMember) -> Result<InvitationReply> {
    let (principal, project, role) = (&ask.principal, ask.project, ask.request.role);
    let by = account_of(principal)?;
    let (within, row) = enter(context, principal, project, ProjectRole::Owner).await?;
    let email = address(&ask.request.email)?;
    attempts::invite(context, by, email.as_str(), &ask.visitor).await?;
    let language = account_at_hand(context, by).await?.ok_or_else(ended)?.language;
    let mut token = Token::draw(AccountId(project.0))?;
    token.id = ask.invitation.0;
    let invited_ms = wall_ms();
    let invitation = InvitationRow {
        invitation: ask.invitation,
        email: email.as_str().to_owned(),
        role,
        secret: token.digest(),
        by,
        invited_ms,
        expires_ms: invited_ms.saturating_add(VALID_MS),
    };
    let what = AccountAct::Invited { project, email: invitation.email.clone(), role };
    write_down(context, principal, &ask.visitor, what).await?;
    rows::change(context, row.tenant, project, |row| {
        must(row, principal, ProjectRole::Owner)?;
        put(row, &invitation)?;
        note_payer(row, principal);
        Ok(())
    })
    .await?;
    let then = context.clone();
    let text = token.text(TokenKind::Invitation);
    after(context, async move {
        send(&then, &Letter::Invitation(&text), email.as_str(), language).await;
        Ok(())
    })?;
    tell(context, within, project, Act::Invited { invitation: ask.invitation, role }).await;
    Ok(InvitationReply { invitation: view(&invitation) })
}

/// Puts an invitation among a project's, in place of what is over and of an earlier one of its address.
fn put(row: &mut AccessRow, invitation: &InvitationRow) -> Result<()> {
    // Asked for under a key that was used for another one.
    let same = |there: &&InvitationRow| there.invitation == invitation.invitation;
    if row.invitations.iter().find(same).is_some_and(|there| there.email != invitation.email) {
        return Err(other_request());
    }
    row.invitations.retain(|there| there.email != invitation.email && invitation.invited_ms < there.expires_ms);
    if row.invitations.len() >= INVITATIONS_MAX {
        return Err(too_many("invitations", INVITATIONS_MAX));
    }
    row.invitations.push(invitation.clone());
    Ok(())
}

/// Writes down which account is the tenant's, where its own asks: members are shown it.
pub(super) fn note_payer(row: &mut AccessRow, principal: &Principal) {
    if principal.tenant == row.tenant {
        row.payer = principal.account().or(row.payer);
    }
}

/// Withdraws an invitation: its link opens nothing from then on.
///
/// # Errors
/// `forbidden`; `invitation-not-found` where it was accepted, or is no more.
pub async fn withdraw(context: &RunContext, ask: &WithdrawInvitation) -> Result<()> {
    let (principal, project, invitation) = (&ask.principal, ask.project, ask.invitation);
    let none = || Fault::new("invitation-not-found", "there is no such invitation: it may have been accepted");
    let (within, row) = enter(context, principal, project, ProjectRole::Owner).await?;
    if !row.invitations.iter().any(|there| there.invitation == invitation) {
        return Err(none());
    }
    let what = AccountAct::InvitationWithdrawn { project, invitation };
    write_down(context, principal, &ask.visitor, what).await?;
    rows::change(context, row.tenant, project, |row| {
        must(row, principal, ProjectRole::Owner)?;
        let before = row.invitations.len();
        row.invitations.retain(|there| there.invitation != invitation);
        if row.invitations.len() < before { Ok(()) } else { Err(none()) }
    })
    .await?;
    tell(context, within, project, Act::InvitationWithdrawn { invitation }).await;
    Ok(())
}

/// The invitation that a token is for, if it can be accepted by whoever has an address.
fn invitation_of<'a>(row: &'a AccessRow, token: &Token, email: &Email) -> Result<&'a InvitationRow> {
    let now_ms = wall_ms();
    let is_it = |there: &&InvitationRow| there.invitation.0 == token.id && now_ms < there.expires_ms;
    let found = row.invitations.iter().find(is_it).filter(|there| token.is(&there.secret)).ok_or_else(no_link)?;
    if found.email != email.as_str() {
        let detail = "this invitation was mailed to another address: sign in with the account that has it";
        return Err(Fault::new("invitation-for-another", detail));
    }
    Ok(found)
}

/// Accepts an invitation, for the account whose confirmed address was invited.
///
/// # Errors
/// `account-needed`, `mailed-link-invalid`, `invitation-for-another`, `too-many-members`, `too-many-shared`,
/// `too-many-attempts`.
pub async fn accept(context: &RunContext, ask: &AcceptInvitation) -> Result<Joined> {
    let account = account_of(&ask.principal)?;
    attempts::secret(context, &ask.visitor).await?;
    let token = Token::parse(TokenKind::Invitation, &ask.request.token).ok_or_else(no_link)?;
    let project = ProjectId(token.account.0);
    let row = rows::read(context, project).await?.ok_or_else(no_link)?;
    let its = read_account(context, account).await?.filter(|its| its.confirmed).ok_or_else(ended)?;
    let email = address(&its.email)?;
    let role = invitation_of(&row, &token, &email)?.role;
    let within = Principal { tenant: row.tenant, ..ask.principal };
    crate::projects::find(context, within, project).await.map_err(|_| no_link())?;
    let pays = its.tenant == row.tenant;
    // Never that of an earlier membership.
    let since_ms = row.member(account).map_or(0, |member| member.since_ms + 1).max(wall_ms());
    if !pays {
        index::add(context, account, project, since_ms).await?;
    }
    write_down(context, &ask.principal, &ask.visitor, AccountAct::Joined { project, role }).await?;
    let joined = rows::change(context, row.tenant, project, |row| {
        let (invitation, role) = invitation_of(row, &token, &email).map(|found| (found.invitation, found.role))?;
        row.invitations.retain(|there| there.invitation != invitation);
        if pays {
            return Ok(());
        }
        row.members.retain(|member| member.account != account);
        if row.members.len() >= MEMBERS_MAX {
            return Err(too_many("members", MEMBERS_MAX));
        }
        row.members.push(MemberRow { account, role, since_ms });
        Ok(())
    })
    .await?;
    let role = joined.member(account).map_or(ProjectRole::Owner, |member| member.role);
    tell(context, within, project, Act::Joined { role }).await;
    Ok(Joined { project, role })
}
