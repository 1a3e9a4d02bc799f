//! Forward-only migrations, each applied once and whole.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::sql_error;
use crate::error::StoreError;
use crate::records::{Migrated, StoreIdentity};

/// In order; a released one never changes, a new one is appended.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_uploads.sql"),
    include_str!("migrations/0003_projects.sql"),
    include_str!("migrations/0004_webhooks.sql"),
    include_str!("migrations/0005_accounts.sql"),
    include_str!("migrations/0006_access.sql"),
    include_str!("migrations/0007_identities.sql"),
    include_str!("migrations/0008_audit.sql"),
];

/// Stands in the file's header, so that another program's database is not taken for ours: `VSBK`.
const APPLICATION_ID: i32 = i32::from_be_bytes(*b"VSBK");

/// Brings the database up to the newest schema and says what store it is. Running it again changes
/// nothing; cut in the middle, it leaves the schema before or after the migration at hand.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<StoreIdentity, StoreError> {
    let known = MIGRATIONS.len() as u32;
    loop {
        let found = schema_version(connection, path)?;
        if found > known {
            return Err(StoreError::SchemaNewer { found, known });
        }
        let Some(migration) = MIGRATIONS.get(found as usize) else {
            return identity(connection, known);
        };
        apply(connection, migration, found + 1).map_err(|e| sql_error("migrating the store", &e))?;
        tracing::info!(schema = found + 1, "store migrated");
    }
}

/// Versions of the schema: that of a database that nobody has open, 0 where there is none yet, and the newest that
/// this program knows. Nothing is changed.
pub(crate) fn look(path: &Path) -> Result<(u32, u32), StoreError> {
    let known = MIGRATIONS.len() as u32;
    if !path.exists() {
        return Ok((0, known));
    }
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(path, flags).map_err(|e| sql_error("opening the store", &e))?;
    Ok((schema_version(&connection, path)?, known))
}

/// Version of the schema of a database that is ours.
pub(super) fn version(connection: &Connection) -> Result<u32, StoreError> {
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|e| sql_error("probing the store", &e))
}

/// Runs, within the transaction of the caller, what an open database lacks.
pub(super) fn pending(connection: &Connection) -> Result<Migrated, StoreError> {
    let from = version(connection)?;
    for (migration, to) in MIGRATIONS.iter().zip(1..).skip(from as usize) {
        let sql = |e| sql_error("migrating the store", &e);
        connection.execute_batch(migration).map_err(sql)?;
        connection.pragma_update(None, "user_version", to).map_err(sql)?;
        tracing::info!(schema = to, "store migrated");
    }
    Ok(Migrated { from, to: version(connection)? })
}

/// Version of the schema in the file; 0 for a new one.
fn schema_version(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let pragma = |name| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i32>(0))
            .map_err(|e| sql_error("opening the store", &e))
    };
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|e| sql_error("opening the store", &e))?;
    let is_new = application == 0 && version == 0 && tables == 0;
    if !is_new && application != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    u32::try_from(version).map_err(|_| StoreError::Corrupt { detail: format!("schema version {version}") })
}

fn apply(connection: &mut Connection, migration: &str, version: u32) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(migration)?;
    if version == 1 {
        // SQLite's generator is seeded by the system's.
        transaction.execute("INSERT INTO meta (key, value) VALUES ('store_id', randomblob(16))", [])?;
        transaction.execute("INSERT INTO meta (key, value) VALUES ('incarnation', ?1)", [1_u64.to_be_bytes()])?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

fn identity(connection: &Connection, schema_version: u32) -> Result<StoreIdentity, StoreError> {
    Ok(StoreIdentity {
        store_id: u128::from_be_bytes(meta(connection, "store_id")?),
        incarnation: u64::from_be_bytes(meta(connection, "incarnation")?),
        schema_version,
    })
}

fn meta<const N: usize>(connection: &Connection, key: &'static str) -> Result<[u8; N], StoreError> {
    connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
        .optional()
        .map_err(|e| sql_error("opening the store", &e))?
        .ok_or_else(|| StoreError::Corrupt { detail: format!("no {key} in the store") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("records.sqlite");
        (folder, path)
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let (_folder, path) = database();
        let mut connection = Connection::open(&path).unwrap();
        let first = migrate(&mut connection, &path).unwrap();
        assert_eq!(first.incarnation, 1);
        assert_eq!(migrate(&mut connection, &path), Ok(first));
        drop(connection);
        assert_eq!(migrate(&mut Connection::open(&path).unwrap(), &path), Ok(first));
    }

    #[test]
    fn a_newer_schema_is_refused_and_left_alone() {
        let (_folder, path) = database();
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let known = MIGRATIONS.len() as u32;
        assert_eq!(migrate(&mut connection, &path), Err(StoreError::SchemaNewer { found: 99, known }));
    }

    #[test]
    fn another_programs_database_is_refused_and_left_alone() {
        let (_folder, path) = database();
        let mut connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE music (song TEXT)").unwrap();
        assert_eq!(migrate(&mut connection, &path), Err(StoreError::Foreign { path }));
    }
}
