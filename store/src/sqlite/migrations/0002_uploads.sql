-- Uploads that can be gone on with.

CREATE TABLE uploads (
    tenant     BLOB NOT NULL,
    upload     BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    payload    BLOB NOT NULL,
    PRIMARY KEY (tenant, upload)
) STRICT, WITHOUT ROWID;

CREATE INDEX uploads_by_age ON uploads (tenant, created_ms, upload);
