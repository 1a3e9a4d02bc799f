//! Accounts' rows: found, kept at hand for a moment, and changed by compare-and-set.

use std::sync::Arc;
use std::time::Duration;

use cluster::body::Fault;
use domain::account::{AccountAct, Email};
use domain::id::AccountId;
use moka::sync::Cache;
use store::Cas;
use store::rows::{AccountRow, ApiKeyRow, NewAccountEvent, SessionRow};

use super::letters::Letter;
use crate::clock::wall_ms;
use crate::run::RunContext;
use crate::store_fault;

/// Tries of a compare-and-set that somebody else was faster at.
pub(super) const MAX_TRIES: u32 = 8;
/// Rows kept at hand.
const ROWS_MAX: u64 = 10_000;
/// How long another core's change may go unseen here: what is ended has to end within a second.
const AT_HAND: Duration = Duration::from_secs(1);

type Result<T> = std::result::Result<T, Fault>;

/// Rows that were read or written lately, so that a page's many requests are one read. A change that is made here is
/// seen here at once.
#[derive(Clone)]
pub(super) struct AtHand(Cache<AccountId, Arc<AccountRow>>);

impl Default for AtHand {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(ROWS_MAX).time_to_live(AT_HAND).build())
    }
}

impl AtHand {
    /// Keeps a row, unless a newer one is kept: a read that was slow must not bring back what was ended meanwhile.
    fn keep(&self, row: AccountRow) -> Arc<AccountRow> {
        let row = Arc::new(row);
        let newer = |there: Option<moka::Entry<AccountId, Arc<AccountRow>>>| {
            let there = there.map(moka::Entry::into_value).filter(|there| there.version > row.version);
            there.unwrap_or_else(|| row.clone())
        };
        self.0.entry(row.account).and_upsert_with(newer).into_value()
    }
}

/// An account as it stood within the last second.
pub(super) async fn at_hand(context: &RunContext, account: AccountId) -> Result<Option<Arc<AccountRow>>> {
    if let Some(row) = context.accounts.rows.0.get(&account) {
        return Ok(Some(row));
    }
    Ok(read(context, account).await?.map(|row| context.accounts.rows.keep(row)))
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
            context.accounts.rows.keep(row.clone());
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
                context.accounts.rows.keep(changed.clone());
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
    if let Cas::Applied(row) =
        context.records.account_update(changed, row.version, None).await.map_err(|e| store_fault(&e))?
    {
        context.accounts.rows.keep(row);
    }
    Ok(())
}
