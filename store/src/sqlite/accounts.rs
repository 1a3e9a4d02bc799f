//! Accounts, whose addresses are, and the node's own row. Partitions: account, address, the node.

use domain::account::AccountEvent;
use domain::id::AccountId;
use rusqlite::{Connection, params};

use super::payload::encode;
use super::{bounded, execute, int, row, rows};
use crate::error::StoreError;
use crate::records::Cas;
use crate::rows::{AccountRow, EmailRow, NewAccountEvent, SiteRow};

pub(super) fn get(connection: &Connection, account: AccountId) -> Result<Option<AccountRow>, StoreError> {
    let sql = "SELECT payload FROM accounts WHERE account = ?1";
    row(connection, "reading an account", sql, params![account.0.to_be_bytes()])
}

pub(super) fn insert(
    connection: &Connection,
    row: AccountRow,
    event: Option<NewAccountEvent>,
) -> Result<Cas<AccountRow>, StoreError> {
    row.check()?;
    match get(connection, row.account)? {
        Some(there) => Ok(Cas::Conflict(Some(there))),
        None => put(connection, AccountRow { version: 1, ..row }, event).map(Cas::Applied),
    }
}

pub(super) fn update(
    connection: &Connection,
    row: AccountRow,
    expected_version: u64,
    event: Option<NewAccountEvent>,
) -> Result<Cas<AccountRow>, StoreError> {
    row.check()?;
    match get(connection, row.account)? {
        Some(there) if there.version == expected_version => {
            put(connection, AccountRow { version: expected_version + 1, ..row }, event).map(Cas::Applied)
        }
        there => Ok(Cas::Conflict(there)),
    }
}

pub(super) fn events(
    connection: &Connection,
    account: AccountId,
    before: u64,
    limit: u32,
) -> Result<Vec<AccountEvent>, StoreError> {
    rows(
        connection,
        "reading an account's log",
        "SELECT payload FROM account_events WHERE account = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
        params![account.0.to_be_bytes(), int(before), bounded(limit)],
    )
}

pub(super) fn remove(connection: &Connection, account: AccountId) -> Result<(), StoreError> {
    let key = params![account.0.to_be_bytes()];
    execute(connection, "removing an account's log", "DELETE FROM account_events WHERE account = ?1", key)?;
    execute(connection, "removing an account", "DELETE FROM accounts WHERE account = ?1", key)
}

pub(super) fn list(connection: &Connection, after: AccountId, limit: u32) -> Result<Vec<AccountRow>, StoreError> {
    let sql = "SELECT payload FROM accounts WHERE account > ?1 ORDER BY account LIMIT ?2";
    rows(connection, "listing accounts", sql, params![after.0.to_be_bytes(), bounded(limit)])
}

pub(super) fn put(
    connection: &Connection,
    row: AccountRow,
    event: Option<NewAccountEvent>,
) -> Result<AccountRow, StoreError> {
    let sql = "INSERT OR REPLACE INTO accounts (account, payload) VALUES (?1, ?2)";
    execute(connection, "writing an account", sql, params![row.account.0.to_be_bytes(), encode(&row)?])?;
    if let Some(event) = event {
        put_event(connection, row.account, &event.numbered(row.version))?;
    }
    Ok(row)
}

pub(super) fn put_event(connection: &Connection, account: AccountId, event: &AccountEvent) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO account_events (account, seq, payload) VALUES (?1, ?2, ?3)";
    let values = params![account.0.to_be_bytes(), int(event.seq), encode(event)?];
    execute(connection, "writing an account's log", sql, values)
}

pub(super) fn email(connection: &Connection, email: &str) -> Result<Option<EmailRow>, StoreError> {
    row(connection, "reading whose an address is", "SELECT payload FROM emails WHERE email = ?1", params![email])
}

pub(super) fn claim_email(
    connection: &Connection,
    row: EmailRow,
    expected_version: u64,
) -> Result<Cas<EmailRow>, StoreError> {
    row.check()?;
    let there = email(connection, &row.email)?;
    if there.as_ref().map_or(0, |there| there.version) != expected_version {
        return Ok(Cas::Conflict(there));
    }
    put_email(connection, EmailRow { version: expected_version + 1, ..row }).map(Cas::Applied)
}

pub(super) fn put_email(connection: &Connection, row: EmailRow) -> Result<EmailRow, StoreError> {
    let sql = "INSERT OR REPLACE INTO emails (email, payload) VALUES (?1, ?2)";
    execute(connection, "writing whose an address is", sql, params![row.email, encode(&row)?])?;
    Ok(row)
}

pub(super) fn release_email(connection: &Connection, address: &str, account: AccountId) -> Result<(), StoreError> {
    match email(connection, address)? {
        Some(there) if there.account == account => {
            execute(connection, "releasing an address", "DELETE FROM emails WHERE email = ?1", params![address])
        }
        _ => Ok(()),
    }
}

pub(super) fn site(connection: &Connection) -> Result<SiteRow, StoreError> {
    let found = row(connection, "reading the node's row", "SELECT payload FROM site WHERE one = 1", params![])?;
    Ok(found.unwrap_or_default())
}

pub(super) fn update_site(
    connection: &Connection,
    row: SiteRow,
    expected_version: u64,
) -> Result<Cas<SiteRow>, StoreError> {
    let there = site(connection)?;
    if there.version != expected_version {
        return Ok(Cas::Conflict(Some(there)));
    }
    put_site(connection, SiteRow { version: expected_version + 1, ..row }).map(Cas::Applied)
}

pub(super) fn put_site(connection: &Connection, row: SiteRow) -> Result<SiteRow, StoreError> {
    let sql = "INSERT OR REPLACE INTO site (one, payload) VALUES (1, ?1)";
    execute(connection, "writing the node's row", sql, params![encode(&row)?])?;
    Ok(row)
}
