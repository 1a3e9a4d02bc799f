-- Who has a project, one partition each, and which projects an account was given.

CREATE TABLE access (
    project BLOB NOT NULL PRIMARY KEY,
    payload BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE shared (
    account BLOB NOT NULL PRIMARY KEY,
    payload BLOB NOT NULL
) STRICT, WITHOUT ROWID;
