-- Addresses that are told of events, and how much of each project's log each was told: one partition with the tenant,
-- so that an attempt and what it came to change together.

CREATE TABLE webhooks (
    tenant     BLOB NOT NULL,
    webhook    BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    payload    BLOB NOT NULL,
    PRIMARY KEY (tenant, webhook)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_marks (
    tenant  BLOB NOT NULL,
    webhook BLOB NOT NULL,
    project BLOB NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (tenant, webhook, project)
) STRICT, WITHOUT ROWID;
