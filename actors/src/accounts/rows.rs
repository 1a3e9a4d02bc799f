//! Accounts' rows: found, and changed by compare-and-set.

use std::sync::Arc;

use cluster::body::Fault;
use domain::account::{AccountAct, Email};
use domain::id::AccountId;
use store::Cas;
use store::rows::{AccountRow, ApiKeyRow, NewAccountEvent, SessionRow};

use super::letters::Letter;
use crate::clock::wall_ms;
use crate::run::RunContext;
use crate::store_fault;

/// Tries of a compare-and-set that somebody else was faster at.
pub(super) const MAX_TRIES: u32 = 8;
type Result<T> = std::result::Result<T, Fault>;

/// An account as it stands, from memory where it is at hand.
pub(super) async fn at_hand(context: &RunContext, account: AccountId) -> Result<Option<Arc<AccountRow>>> {
    match context.records.account_at_hand(account) {
        Some(row) => Ok(Some(row)),
        None => Ok(read(context, account).await?.map(Arc::new)),
    }
}

/// An account as it stands.
pub(super) async fn read(context: &RunContext, account: AccountId) -> Result<Option<AccountRow>> {
    context.records.account_get(account).await.map_err(|e| store_fault(&e))
}

/// The account of an address. Costs as many reads where there is none.
pub(super) async fn find(context: &RunContext, email: &Email) -> Result<Option<AccountRow>> {
    let whose = context.records.email_get(email.as_str()).await.map_err(|e| store_fault(&e))?;
    let account = whose.map_or(AccountId(0), |row| row.account);
    // An account that has another address by now has left this one behind.
    Ok(read(context, account).await?.filter(|row| row.email == email.as_str()))
}

pub(super) fn busy() -> Fault {
    Fault::new("conflict", "somebody else is changing this account; try again").retry_after(200)
}

pub(super) fn event(address: &str, what: AccountAct) -> NewAccountEvent {
    NewAccountEvent { at_ms: wall_ms(), address: address.to_owned(), what }
}

/// Changes an account by compare-and-set, and writes down what was done, all or nothing. `change` may be asked several
/// times, and says `None` where nothing is to be done.
///
/// # Errors
/// `session-ended` where there is no such account any more, what `change` says, `conflict` where it changes all the
/// time.
pub(super) async fn change(
    context: &RunContext,
    account: AccountId,
    address: &str,
    change: impl Fn(&mut AccountRow) -> Result<Option<AccountAct>>,
) -> Result<AccountRow> {
    let mut wanted: Option<AccountRow> = None;
    for _ in 0..MAX_TRIES {
        let row = read(context, account).await?.ok_or_else(super::ended)?;
        // An outcome that was not known: what was wanted stands there.
        if wanted.take().is_some_and(|wanted| wanted == row) {
            let _ = context.accounts.revoked.send(account);
            return Ok(row);
        }
        if row.is_going() {
            return Err(super::ended());
        }
        let mut changed = row.clone();
        let Some(what) = change(&mut changed)? else { return Ok(row) };
        let event = Some(event(address, what));
        let written = context.records.account_update(changed.clone(), row.version, event).await;
        match written.map_err(|e| store_fault(&e))? {
            Cas::Applied(changed) => {
                tell_revoked(context, &row, &changed);
                if row.leaving.is_some() && changed.leaving.is_none() {
                    super::tell(context, &changed, Letter::Stays);
                }
                return Ok(changed);
            }
            Cas::Conflict(_) => {}
            Cas::Unknown(_) => wanted = Some(AccountRow { version: row.version + 1, ..changed }),
        }
    }
    Err(busy())
}

/// Tells those who have streams open that a session or key of theirs may be over, or worth less.
fn tell_revoked(context: &RunContext, before: &AccountRow, after: &AccountRow) {
    let goes_on = |session: &SessionRow| after.sessions.iter().any(|there| there.session == session.session);
    let is_kept = |key: &ApiKeyRow| after.keys().any(|there| there.key == key.key);
    if before.role > after.role || !before.sessions.iter().all(goes_on) || !before.keys().all(is_kept) {
        // Nobody has to be listening.
        let _ = context.accounts.revoked.send(after.account);
    }
}

/// The same for what is worth no entry in the log.
pub(super) async fn touch(context: &RunContext, account: AccountId, change: impl Fn(&mut AccountRow)) -> Result<()> {
    let Some(row) = read(context, account).await? else { return Ok(()) };
    let mut changed = row.clone();
    change(&mut changed);
    if changed == row {
        return Ok(());
    }
    // Who was faster has changed something that matters more.
    let _ = context.records.account_update(changed, row.version, None).await.map_err(|e| store_fault(&e))?;
    Ok(())
}
