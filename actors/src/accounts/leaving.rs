//! Accounts that go: because their owner says so, or because nobody ever confirmed their address.
//!
//! The row says that it is to be erased, by which intent, and when; signing in takes that out again. Once the row says
//! that it has begun nothing is done with the account any more, and what is left of it at each step is found by
//! reading: its projects by its tenant, its names by the row, which goes last.

use std::sync::Arc;
use std::time::Duration;

use cluster::body::Fault;
use cluster::body::leaving::LeaveAccount;
use domain::account::{AccountAct, Email, SystemRole};
use domain::audit::{AuditAct, AuditEntry};
use domain::id::{AccountId, AuditId};
use domain::project::Actor;
use store::rows::{AccountRow, IntentBody, IntentRow, Leaving, SiteRow};
use store::{Cas, failpoint};

use super::letters::Letter;
use super::rows::{at_hand, busy, change, read};
use super::sessions::prove;
use super::{NOBODY, Result, audit, ended, second, sharing, signed, tell};
use crate::clock::{ms, wall_ms};
use crate::projects::{drop_intent, put_intent};
use crate::run::RunContext;
use crate::store_fault;

/// Accounts that are looked at at once.
const SCAN: u32 = 500;
/// Pages that one sweep looks at: two million accounts.
const PAGES_MAX: u32 = 4_000;
/// Accounts that one sweep clears away.
const CLEARED_MAX: usize = 1_000;
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Takes somebody's wish to have their account deleted, and signs everybody out of it. When it is erased, milliseconds
/// since 1970 UTC.
///
/// # Errors
/// `address-differs`, `password-wrong`, `second-factor-needed`, `second-factor-wrong`, `admin-hands-over`,
/// `too-many-attempts`.
pub async fn leave(context: &Arc<RunContext>, ask: &LeaveAccount) -> Result<u64> {
    let signed = signed(&ask.principal)?;
    let row = at_hand(context, signed.account).await?.ok_or_else(ended)?;
    if Email::parse(&ask.request.email).is_none_or(|email| email.as_str() != row.email) {
        return Err(Fault::new("address-differs", "type the mail address of the account that is to be deleted"));
    }
    if row.password().is_some() {
        let none = || Fault::new("password-wrong", "say the account's password too");
        let password = ask.request.password.as_ref().ok_or_else(none)?;
        prove(context, &row, (password, ask.request.code.as_ref()), &ask.visitor).await?;
    }
    let grace = context.accounts.policy.leave_grace;
    let (asked_ms, intent) = (wall_ms(), uuid::Uuid::new_v4().as_u128());
    let erase_at_ms = asked_ms.saturating_add(ms(grace));
    let body = IntentBody::EraseAccount { account: signed.account, not_before_ms: erase_at_ms };
    // Not looked at while it names what is not there yet.
    let _beginning = context.beginning.mark(intent)?;
    put_intent(context, intent, body).await?;
    let leaving = change(context, signed.account, &ask.visitor.address, |now| {
        if !second::same(now, &row) {
            return Err(ended());
        }
        if now.role == SystemRole::Admin {
            let detail =
                "you are an admin: have another admin give you another role first, so that there is always one";
            return Err(Fault::new("admin-hands-over", detail));
        }
        now.leaving = Some(Leaving { asked_ms, erase_at_ms, intent, begun: false });
        now.sessions.clear();
        now.links.clear();
        Ok(Some(AccountAct::DeletionAsked { erase_at_ms }))
    });
    match leaving.await {
        Ok(row) => {
            sharing::leaving::ask_again(context, &row).await;
            tell(context, &row, Letter::Leaving(ms(grace).div_ceil(ms(DAY))));
            Ok(erase_at_ms)
        }
        Err(fault) => {
            if let Err(fault) = drop_intent(context, intent).await {
                tracing::debug!(%fault, "an intent that nothing came of is dropped when it is due");
            }
            Err(fault)
        }
    }
}

/// What an intent to erase an account calls for.
pub enum Due {
    /// Nothing yet.
    NotYet,
    /// Nothing any more.
    Never,
    /// Erase it: nobody can take it back.
    Erase(Box<AccountRow>),
}

/// Finds out what an intent to erase an account calls for, and marks the account where it is due.
///
/// # Errors
/// What the store says; the intent stays for the next look.
pub async fn due(context: &RunContext, intent: &IntentRow, account: AccountId, not_before_ms: u64) -> Result<Due> {
    if wall_ms() < not_before_ms {
        return Ok(Due::NotYet);
    }
    let Some(row) = read(context, account).await? else { return Ok(Due::Never) };
    let Some(leaving) = row.leaving.filter(|leaving| leaving.intent == intent.id) else { return Ok(Due::Never) };
    if leaving.begun {
        return Ok(Due::Erase(Box::new(row)));
    }
    let marked = begun(&row, leaving);
    match context.records.account_update(marked, row.version, None).await.map_err(|e| store_fault(&e))? {
        Cas::Applied(row) => {
            failpoint::pass("an account is marked to be erased");
            let _ = context.accounts.revoked.send(account);
            Ok(Due::Erase(Box::new(row)))
        }
        // Taken back at this very moment, or not known: the next look tells.
        Cas::Conflict(_) | Cas::Unknown(_) => Ok(Due::NotYet),
    }
}

/// The account as it is once its erasure has begun. Its identities stay in it until they are anybody's.
fn begun(row: &AccountRow, leaving: Leaving) -> AccountRow {
    let mut marked = row.clone();
    marked.leaving = Some(Leaving { begun: true, ..leaving });
    marked.sessions.clear();
    marked.links.clear();
    marked
}

/// Erases what is left of an account whose projects, uploads and webhooks are gone: its files, its names, its row.
///
/// # Errors
/// What the stores say; the intent stays for the next look.
pub async fn finish(context: &RunContext, row: &AccountRow) -> Result<()> {
    let store = |e| store_fault(&e);
    let account = row.account;
    context.blobs.delete_scope(row.scope()).await.map_err(store)?;
    for identity in row.identities() {
        context.records.identity_release(identity.key(), account).await.map_err(store)?;
    }
    context.records.email_release(&row.email, account).await.map_err(store)?;
    failpoint::pass("an account's names are released");
    stay_claimed(context, account).await?;
    if row.confirmed {
        append(context, row).await?;
    }
    context.records.account_remove(account).await.map_err(store)?;
    if row.confirmed {
        tell(context, row, Letter::Gone);
    }
    tracing::info!(%account, "an account is erased");
    Ok(())
}

/// A node whose first account goes stays claimed.
async fn stay_claimed(context: &RunContext, account: AccountId) -> Result<()> {
    let site = context.records.site_get().await.map_err(|e| store_fault(&e))?;
    let Some((_, at_ms)) = site.claimed.filter(|(first, _)| *first == account) else { return Ok(()) };
    let row = SiteRow { claimed: Some((NOBODY, at_ms)), ..site.clone() };
    match context.records.site_update(row, site.version).await.map_err(|e| store_fault(&e))? {
        Cas::Applied(_) => Ok(()),
        Cas::Conflict(_) => Err(busy()),
        Cas::Unknown(error) => Err(store_fault(&error)),
    }
}

/// The same entry however often it is written.
async fn append(context: &RunContext, row: &AccountRow) -> Result<()> {
    let Some(leaving) = row.leaving else { return Ok(()) };
    let bytes: [u8; 10] = std::array::from_fn(|at| leaving.intent.to_be_bytes()[at]);
    let id = uuid::Builder::from_unix_timestamp_millis(leaving.erase_at_ms, &bytes).into_uuid();
    let (id, by) = (AuditId(id.as_u128()), Actor::Account(row.account));
    let what = AuditAct::AccountErased { of: row.account };
    audit::append(context, AuditEntry { id, at_ms: leaving.erase_at_ms, by, what }).await
}

/// Has accounts erased that nobody confirmed in time. What goes wrong is logged, and done by the next sweep.
pub async fn clear_unconfirmed(context: &RunContext) {
    match clear(context).await {
        Ok(0) => {}
        Ok(cleared) => tracing::info!(cleared, "accounts that nobody confirmed are erased"),
        Err(fault) => tracing::warn!(%fault, "accounts could not be looked through"),
    }
}

async fn clear(context: &RunContext) -> Result<usize> {
    let (mut after, mut cleared) = (AccountId(0), 0);
    for _ in 0..PAGES_MAX {
        let page = context.records.account_list(after, SCAN).await.map_err(|e| store_fault(&e))?;
        let Some(last) = page.last() else { break };
        after = last.account;
        for row in page.iter().filter(|row| is_forgotten(row, wall_ms(), context.accounts.policy.unconfirmed)) {
            if cleared >= CLEARED_MAX {
                return Ok(cleared);
            }
            cleared += usize::from(clear_one(context, row).await?);
        }
    }
    Ok(cleared)
}

/// Whether nobody confirmed an account's address in time, and no link that does it is open.
fn is_forgotten(row: &AccountRow, now_ms: u64, unconfirmed: Duration) -> bool {
    let is_old = now_ms.saturating_sub(row.created_ms) >= ms(unconfirmed);
    !row.confirmed && is_old && !row.is_going() && row.links.iter().all(|link| link.expires_ms <= now_ms)
}

async fn clear_one(context: &RunContext, row: &AccountRow) -> Result<bool> {
    let (asked_ms, intent) = (wall_ms(), uuid::Uuid::new_v4().as_u128());
    let _beginning = context.beginning.mark(intent)?;
    put_intent(context, intent, IntentBody::EraseAccount { account: row.account, not_before_ms: 0 }).await?;
    let leaving = Leaving { asked_ms, erase_at_ms: asked_ms, intent, begun: true };
    let marked = context.records.account_update(begun(row, leaving), row.version, None).await;
    match marked.map_err(|e| store_fault(&e))? {
        Cas::Applied(_) => {
            let _ = context.accounts.revoked.send(row.account);
            Ok(true)
        }
        Cas::Conflict(_) => drop_intent(context, intent).await.map(|()| false),
        // The intent finds out.
        Cas::Unknown(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_did_not_confirm_in_time_is_forgotten_unless_a_link_still_works() {
        let week = DAY * 7;
        let mut row = store::conformance::account_row();
        (row.created_ms, row.confirmed) = (1_000, false);
        row.links.clear();
        assert!(!is_forgotten(&row, 1_000 + ms(week) - 1, week));
        assert!(is_forgotten(&row, 1_000 + ms(week), week));
        let confirmed = AccountRow { confirmed: true, ..row.clone() };
        assert!(!is_forgotten(&confirmed, u64::MAX, week));
        let mut again = store::conformance::account_row();
        (again.created_ms, again.confirmed) = (1_000, false);
        again.links[0].expires_ms = 1_000 + ms(week) + 1;
        assert!(!is_forgotten(&again, 1_000 + ms(week), week), "they signed up once more");
        assert!(is_forgotten(&again, 1_000 + ms(week) + 1, week));
    }
}
