-- Accounts with what is written down of them, one partition each; whose each address is; and the one row of the node.

CREATE TABLE accounts (
    account BLOB NOT NULL PRIMARY KEY,
    payload BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE account_events (
    account BLOB NOT NULL,
    seq     INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE emails (
    email   TEXT NOT NULL PRIMARY KEY,
    payload BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE site (
    one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    payload BLOB NOT NULL
) STRICT;
