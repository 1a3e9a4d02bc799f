//! Rows into a backup, as they stand at one moment, and out of one.

use std::path::{Path, PathBuf};

use domain::id::{AccountId, ProjectId, RunId, TenantId, WebhookId};
use rusqlite::{Connection, params};
use tokio::sync::{mpsc, oneshot};

use super::payload::{Payload, decode, encode};
use super::{
    access, accounts, audit, execute, identities, int, intents, projects, readers, sql_error, uploads, webhooks,
};
use crate::error::StoreError;
use crate::records::RowStream;
use crate::rows::{KeptRow, LIST_MAX};

/// Rows in a page.
const PAGE_ROWS: usize = 1_000;
/// A page ends before it is this large, as far as its rows' payloads go.
const PAGE_BYTES: usize = 1 << 20;
/// Pages that are read ahead.
const PAGES_AHEAD: usize = 2;
const OPERATION: &str = "exporting the records";

/// Tables whose rows are in no backup: leases have no holders in a restored store, and `meta` is its identity.
#[cfg(test)]
const LEFT_OUT: [&str; 2] = ["leases", "meta"];

type Page = Result<Vec<KeptRow>, StoreError>;

/// What a table holds: its columns, and a row of them.
struct Table {
    name: &'static str,
    /// The columns that name a row's partition, then `payload`; sorted by the primary key.
    sql: &'static str,
    row: fn(&rusqlite::Row<'_>) -> Result<KeptRow, StoreError>,
}

const TABLES: &[Table] = &[
    Table { name: "projects", sql: "SELECT payload FROM projects", row: |r| Ok(KeptRow::Project(payload(r, 0)?)) },
    Table {
        name: "activity",
        sql: "SELECT tenant, project, payload FROM activity ORDER BY tenant, project, seq",
        row: |r| {
            Ok(KeptRow::Activity { tenant: TenantId(id(r, 0)?), project: ProjectId(id(r, 1)?), act: payload(r, 2)? })
        },
    },
    Table { name: "runs", sql: "SELECT payload FROM runs", row: |r| Ok(KeptRow::Run(payload(r, 0)?)) },
    Table {
        name: "segments",
        sql: "SELECT run, payload FROM segments ORDER BY run, seq",
        row: |r| Ok(KeptRow::Segment { run: RunId(id(r, 0)?), row: payload(r, 1)? }),
    },
    Table {
        name: "outbox",
        sql: "SELECT run, payload FROM outbox ORDER BY run, position",
        row: |r| Ok(KeptRow::Outbox { run: RunId(id(r, 0)?), row: payload(r, 1)? }),
    },
    Table {
        name: "edits",
        sql: "SELECT run, payload FROM edits ORDER BY run, version",
        row: |r| Ok(KeptRow::Edit { run: RunId(id(r, 0)?), row: payload(r, 1)? }),
    },
    Table {
        name: "event_heads",
        sql: "SELECT project, payload FROM event_heads ORDER BY project",
        row: |r| Ok(KeptRow::EventHead { project: ProjectId(id(r, 0)?), head: payload(r, 1)? }),
    },
    Table {
        name: "events",
        sql: "SELECT payload FROM events ORDER BY project, seq",
        row: |r| Ok(KeptRow::Event(payload(r, 0)?)),
    },
    Table { name: "uploads", sql: "SELECT payload FROM uploads", row: |r| Ok(KeptRow::Upload(payload(r, 0)?)) },
    Table { name: "intents", sql: "SELECT payload FROM intents", row: |r| Ok(KeptRow::Intent(payload(r, 0)?)) },
    Table { name: "webhooks", sql: "SELECT payload FROM webhooks", row: |r| Ok(KeptRow::Webhook(payload(r, 0)?)) },
    Table {
        name: "webhook_marks",
        sql: "SELECT tenant, webhook, project, payload FROM webhook_marks ORDER BY tenant, webhook, project",
        row: |r| {
            Ok(KeptRow::WebhookMark {
                tenant: TenantId(id(r, 0)?),
                webhook: WebhookId(id(r, 1)?),
                project: ProjectId(id(r, 2)?),
                mark: payload(r, 3)?,
            })
        },
    },
    Table { name: "accounts", sql: "SELECT payload FROM accounts", row: |r| Ok(KeptRow::Account(payload(r, 0)?)) },
    Table {
        name: "account_events",
        sql: "SELECT account, payload FROM account_events ORDER BY account, seq",
        row: |r| Ok(KeptRow::AccountEvent { account: AccountId(id(r, 0)?), event: payload(r, 1)? }),
    },
    Table { name: "emails", sql: "SELECT payload FROM emails", row: |r| Ok(KeptRow::Email(payload(r, 0)?)) },
    Table { name: "identities", sql: "SELECT payload FROM identities", row: |r| Ok(KeptRow::Identity(payload(r, 0)?)) },
    Table { name: "audit", sql: "SELECT payload FROM audit", row: |r| Ok(KeptRow::Audit(payload(r, 0)?)) },
    Table { name: "site", sql: "SELECT payload FROM site", row: |r| Ok(KeptRow::Site(payload(r, 0)?)) },
    Table { name: "access", sql: "SELECT payload FROM access", row: |r| Ok(KeptRow::Access(payload(r, 0)?)) },
    Table { name: "shared", sql: "SELECT payload FROM shared", row: |r| Ok(KeptRow::Shared(payload(r, 0)?)) },
];

fn id(row: &rusqlite::Row<'_>, column: usize) -> Result<u128, StoreError> {
    row.get(column).map(u128::from_be_bytes).map_err(|e| sql_error(OPERATION, &e))
}

fn payload<T: Payload>(row: &rusqlite::Row<'_>, column: usize) -> Result<T, StoreError> {
    let bytes = row.get_ref(column).map_err(|e| sql_error(OPERATION, &e))?;
    decode(bytes.as_blob().map_err(|e| StoreError::Corrupt { detail: format!("{OPERATION}: {e}") })?)
}

/// Reads all rows in one transaction, on a thread that ends with the stream.
pub(super) async fn export(path: &Path) -> Result<RowStream, StoreError> {
    let (pages, mut received) = mpsc::channel::<Page>(PAGES_AHEAD);
    let (begun, begins) = oneshot::channel();
    let path: PathBuf = path.to_owned();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read(&path, begun, &pages) {
            let _ = pages.blocking_send(Err(error));
        }
    });
    match begins.await {
        Ok(()) => {}
        // It failed before it began: the error is what the first page says.
        Err(_) => match received.recv().await {
            Some(Err(error)) => return Err(error),
            _ => return Err(StoreError::Closed),
        },
    }
    Ok(Box::pin(futures_util::stream::poll_fn(move |context| received.poll_recv(context))))
}

fn read(path: &Path, begun: oneshot::Sender<()>, pages: &mpsc::Sender<Page>) -> Result<(), StoreError> {
    let sql = |e: rusqlite::Error| sql_error(OPERATION, &e);
    let connection = readers::open(path)?;
    // The moment is that of the transaction's first read.
    connection.execute_batch("BEGIN; SELECT count(*) FROM meta;").map_err(sql)?;
    let _ = begun.send(());
    let (mut page, mut bytes) = (Vec::new(), 0);
    for table in TABLES {
        let mut statement = connection.prepare(table.sql).map_err(sql)?;
        let last = statement.column_count() - 1;
        let mut found = statement.query([]).map_err(sql)?;
        while let Some(row) = found.next().map_err(sql)? {
            bytes += row.get_ref(last).ok().and_then(|value| Some(value.as_blob().ok()?.len())).unwrap_or(0);
            page.push((table.row)(row)?);
            if page.len() >= PAGE_ROWS || bytes >= PAGE_BYTES {
                bytes = 0;
                if pages.blocking_send(Ok(std::mem::take(&mut page))).is_err() {
                    tracing::debug!(table = table.name, "an export was given up");
                    return Ok(());
                }
            }
        }
    }
    if !page.is_empty() {
        let _ = pages.blocking_send(Ok(page));
    }
    Ok(())
}

/// Writes rows as they are.
pub(super) fn import(connection: &Connection, rows: &[KeptRow]) -> Result<(), StoreError> {
    if rows.len() > LIST_MAX as usize {
        return Err(StoreError::Invalid { detail: format!("{} rows at once; {LIST_MAX} is the most", rows.len()) });
    }
    rows.iter().try_for_each(|row| put(connection, row))
}

fn put(connection: &Connection, row: &KeptRow) -> Result<(), StoreError> {
    let write = |sql: &str, params: &[&dyn rusqlite::ToSql]| execute(connection, "importing the records", sql, params);
    match row {
        KeptRow::Project(row) => projects::put(connection, row.clone(), None).map(drop),
        KeptRow::Activity { tenant, project, act } => write(
            "INSERT OR REPLACE INTO activity (tenant, project, seq, payload) VALUES (?1, ?2, ?3, ?4)",
            params![tenant.0.to_be_bytes(), project.0.to_be_bytes(), int(act.seq), encode(act)?],
        ),
        KeptRow::Run(row) => write(
            "INSERT OR REPLACE INTO runs (run, payload) VALUES (?1, ?2)",
            params![row.run.0.to_be_bytes(), encode(row)?],
        ),
        KeptRow::Segment { run, row } => write(
            "INSERT OR REPLACE INTO segments (run, seq, payload) VALUES (?1, ?2, ?3)",
            params![run.0.to_be_bytes(), row.seq, encode(row)?],
        ),
        KeptRow::Outbox { run, row } => write(
            "INSERT OR REPLACE INTO outbox (run, position, payload) VALUES (?1, ?2, ?3)",
            params![run.0.to_be_bytes(), int(row.position), encode(row)?],
        ),
        KeptRow::Edit { run, row } => write(
            "INSERT OR REPLACE INTO edits (run, version, payload) VALUES (?1, ?2, ?3)",
            params![run.0.to_be_bytes(), int(row.version), encode(row)?],
        ),
        KeptRow::EventHead { project, head } => write(
            "INSERT OR REPLACE INTO event_heads (project, payload) VALUES (?1, ?2)",
            params![project.0.to_be_bytes(), encode(head)?],
        ),
        KeptRow::Event(event) => write(
            "INSERT OR REPLACE INTO events (project, seq, payload) VALUES (?1, ?2, ?3)",
            params![event.project.0.to_be_bytes(), int(event.seq), encode(event)?],
        ),
        KeptRow::Upload(row) => uploads::put(connection, row.clone()).map(drop),
        KeptRow::Intent(row) => intents::put(connection, row),
        KeptRow::Webhook(row) => webhooks::put(connection, row.clone()).map(drop),
        KeptRow::WebhookMark { tenant, webhook, project, mark } => {
            webhooks::put_mark(connection, *tenant, *webhook, *project, mark)
        }
        KeptRow::Account(row) => accounts::put(connection, row.clone(), None).map(drop),
        KeptRow::AccountEvent { account, event } => accounts::put_event(connection, *account, event),
        KeptRow::Email(row) => accounts::put_email(connection, row.clone()).map(drop),
        KeptRow::Identity(row) => identities::put(connection, row.clone()).map(drop),
        KeptRow::Audit(entry) => audit::append(connection, entry),
        KeptRow::Site(row) => accounts::put_site(connection, row.clone()).map(drop),
        KeptRow::Access(row) => access::put(connection, row.clone()).map(drop),
        KeptRow::Shared(row) => access::put_shared(connection, row.clone()).map(drop),
    }
}

/// Writes another identity; it holds from the next opening on.
pub(super) fn adopt(connection: &Connection, store_id: u128, incarnation: u64) -> Result<(), StoreError> {
    let write = |key: &str, value: &[u8]| {
        let sql = "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)";
        execute(connection, "taking another store's identity", sql, params![key, value])
    };
    write("store_id", &store_id.to_be_bytes())?;
    write("incarnation", &incarnation.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_holds_every_table_that_migrations_have_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.sqlite");
        let mut connection = super::super::open_to_write(&path).unwrap();
        super::super::migrate::migrate(&mut connection, &path).unwrap();
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let mut statement = connection.prepare(sql).unwrap();
        let mut made: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        let mut known: Vec<&str> = TABLES.iter().map(|table| table.name).chain(LEFT_OUT).collect();
        made.sort();
        known.sort_unstable();
        assert_eq!(made, known, "a new table needs a kind of `KeptRow`, or a word why no backup holds it");
    }
}
