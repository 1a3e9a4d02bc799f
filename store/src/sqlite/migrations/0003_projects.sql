-- What was done to projects: a partition with its project's tenant, so that row and act change together.

CREATE TABLE activity (
    tenant  BLOB NOT NULL,
    project BLOB NOT NULL,
    seq     INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (tenant, project, seq)
) STRICT, WITHOUT ROWID;

-- Edits of storyboards, one log a run.

CREATE TABLE edits (
    run     BLOB NOT NULL,
    version INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (run, version)
) STRICT, WITHOUT ROWID;
