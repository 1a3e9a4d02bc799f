//! Accounts and their logs as they are shown; names, languages and roles.

use cluster::body::Fault;
use cluster::body::accounts::{ChangeRole, FindAccount, ListAccountEvents, PatchAccount};
use cluster::body::credentials::ListAccounts;
use domain::account::{ACCOUNT_PAGE_MAX, Account, AccountAct, AccountEventPage, AccountPage, SystemRole};
use domain::audit::AuditAct;
use domain::id::AccountId;
use domain::principal::Principal;
use store::rows::AccountRow;

use super::joining::{address, person};
use super::rows::{change, find, read};
use super::{Result, audit, ended, signed};
use crate::run::RunContext;
use crate::store_fault;

/// An account as its owner sees it.
pub(super) fn account(row: &AccountRow) -> Account {
    Account {
        id: row.account,
        email: row.email.clone(),
        confirmed: row.confirmed,
        name: row.name.clone(),
        language: row.language,
        role: row.role,
        created_ms: row.created_ms,
    }
}

fn no_account() -> Fault {
    Fault::new("account-not-found", "there is no such account")
}

/// The asker's account.
///
/// # Errors
/// `account-needed`, `session-ended`.
pub async fn own(context: &RunContext, principal: &Principal) -> Result<Account> {
    let signed = signed(principal)?;
    read(context, signed.account).await?.as_ref().map(account).ok_or_else(ended)
}

/// Changes the asker's account.
///
/// # Errors
/// `bad-name`.
pub async fn patch(context: &RunContext, ask: &PatchAccount) -> Result<Account> {
    let signed = signed(&ask.principal)?;
    let name = ask.patch.name.as_deref().map(person).transpose()?;
    let changed = change(context, signed.account, &ask.visitor.address, |row| {
        let before = row.clone();
        if let Some(name) = &name {
            row.name.clone_from(name);
        }
        row.language = ask.patch.language.unwrap_or(row.language);
        Ok((*row != before).then_some(AccountAct::Changed))
    });
    Ok(account(&changed.await?))
}

/// What was done with an account, newest first.
///
/// # Errors
/// `account-needed`; `account-not-found` for another one that is not there.
pub async fn events(context: &RunContext, ask: &ListAccountEvents) -> Result<AccountEventPage> {
    let own = signed(&ask.principal)?.account;
    let account = ask.account.unwrap_or(own);
    if account != own {
        read(context, account).await?.ok_or_else(no_account)?;
        look_at(context, own, account).await?;
        audit::note(context, ask.principal.proof.into(), AuditAct::ActivityRead { of: account }).await?;
    }
    let (before, limit) = (ask.before.unwrap_or(u64::MAX), ask.limit.clamp(1, ACCOUNT_PAGE_MAX));
    let found = context.records.account_events(account, before, limit + 1).await;
    let mut events = found.map_err(|e| store_fault(&e))?;
    let next = (events.len() > limit as usize).then(|| events[limit as usize - 1].seq);
    events.truncate(limit as usize);
    Ok(AccountEventPage { events, next })
}

/// The account of an address, for an admin.
///
/// # Errors
/// `account-needed`, `bad-email`, `account-not-found`.
pub async fn by_address(context: &RunContext, ask: &FindAccount) -> Result<Account> {
    let admin = signed(&ask.principal)?.account;
    let found = find(context, &address(&ask.email)?).await?.ok_or_else(no_account)?;
    if found.account != admin {
        look_at(context, admin, found.account).await?;
    }
    audit::note(context, ask.principal.proof.into(), AuditAct::AccountLookedUp { of: found.account }).await?;
    Ok(account(&found))
}

/// Writes down, for the admin and for the account, that an admin looks at one: first, so that none does without it.
async fn look_at(context: &RunContext, admin: AccountId, of: AccountId) -> Result<()> {
    note(context, admin, "", AccountAct::LookedAt { of }).await?;
    note(context, of, "", AccountAct::SeenByAdmin { by: admin }).await
}

/// A page of the node's accounts, for an admin; that they begin to look through them is written down.
///
/// # Errors
/// `account-needed`.
pub async fn all(context: &RunContext, ask: &ListAccounts) -> Result<AccountPage> {
    signed(&ask.principal)?;
    if ask.after.is_none() {
        audit::note(context, ask.principal.proof.into(), AuditAct::AccountsListed).await?;
    }
    let (after, limit) = (ask.after.unwrap_or(AccountId(0)), ask.limit.clamp(1, ACCOUNT_PAGE_MAX));
    let rows = context.records.account_list(after, limit + 1).await.map_err(|e| store_fault(&e))?;
    let next = (rows.len() > limit as usize).then(|| rows[limit as usize - 1].account);
    Ok(AccountPage { accounts: rows.iter().take(limit as usize).map(account).collect(), next })
}

/// Gives an account another role, and writes that down for the admin too.
///
/// # Errors
/// `account-needed`, `account-not-found`; `own-role` for the admin's own, so that there is always one.
pub async fn change_role(context: &RunContext, ask: &ChangeRole) -> Result<Account> {
    let (admin, role) = (signed(&ask.principal)?.account, ask.request.role);
    if ask.account == admin {
        return Err(Fault::new("own-role", "another admin has to change your role, so that there is always one"));
    }
    read(context, ask.account).await?.ok_or_else(no_account)?;
    let audited = AuditAct::RoleChanged { of: ask.account, role };
    audit::note(context, ask.principal.proof.into(), audited).await?;
    note(context, admin, &ask.visitor.address, AccountAct::ChangedRole { of: ask.account, role }).await?;
    let changed = change(context, ask.account, &ask.visitor.address, |row| {
        if row.leaving.is_some() && role == SystemRole::Admin {
            return Err(Fault::new("account-leaving", "this account is being deleted: its owner has to sign in first"));
        }
        let before = std::mem::replace(&mut row.role, role);
        Ok((before != role).then_some(AccountAct::RoleChanged { role, by: admin }))
    });
    Ok(account(&changed.await?))
}

/// Writes down what an account's owner is about to do elsewhere: first, so that nothing is done without it.
pub(super) async fn note(context: &RunContext, account: AccountId, address: &str, what: AccountAct) -> Result<()> {
    change(context, account, address, |_| Ok(Some(what.clone()))).await.map(drop)
}
