-- Whose each identity with a provider is.

CREATE TABLE identities (
    identity BLOB NOT NULL PRIMARY KEY,
    payload  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
