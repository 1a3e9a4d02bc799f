-- Ids are 16-byte blobs, big-endian, so that they sort as their text does. Payloads are versioned
-- bincode (payload.rs); a column stands beside one only where a query looks for it.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE projects (
    tenant     BLOB NOT NULL,
    project    BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    deleted    INTEGER NOT NULL,
    payload    BLOB NOT NULL,
    PRIMARY KEY (tenant, project)
) STRICT, WITHOUT ROWID;

CREATE INDEX projects_by_age ON projects (tenant, deleted, created_ms, project);

CREATE TABLE runs (
    run     BLOB PRIMARY KEY,
    payload BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE segments (
    run     BLOB NOT NULL,
    seq     INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    run      BLOB NOT NULL,
    position INTEGER NOT NULL,
    payload  BLOB NOT NULL,
    PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_heads (
    project BLOB PRIMARY KEY,
    payload BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    project BLOB NOT NULL,
    seq     INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (project, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    key     BLOB PRIMARY KEY,
    payload BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE intents (
    shard      INTEGER NOT NULL,
    id         BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    payload    BLOB NOT NULL,
    PRIMARY KEY (shard, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX intents_by_age ON intents (shard, created_ms, id);
