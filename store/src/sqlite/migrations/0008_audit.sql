-- What is written down of the node as a whole, thirty days a partition.

CREATE TABLE audit (
    period  INTEGER NOT NULL,
    id      BLOB NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (period, id)
) STRICT, WITHOUT ROWID;
