-- The format is described in docs/audit-format.md. Everything below is checked by
-- "ringfence calls verify" against the chained bytes of the records.

-- +goose Up
CREATE TABLE records (
    seq      INTEGER PRIMARY KEY, -- 1, 2, 3, … without gaps
    body     TEXT NOT NULL,       -- JSON that names nobody; never changed
    hash     BLOB NOT NULL,       -- SHA-256(previous hash, seq, SHA-256(personal), body)
    personal TEXT NOT NULL        -- JSON; once erased, only its SHA-256; empty when the record is no call
) STRICT;

-- What records are searched by: one row for 100 records, a few bytes for each.
CREATE TABLE keys (
    block INTEGER PRIMARY KEY,    -- of the records 100 * block to 100 * block + 99
    first INTEGER NOT NULL,       -- the earliest and the latest time in the block, in seconds since 1970
    last  INTEGER NOT NULL,
    keys  BLOB    NOT NULL
) STRICT;

CREATE INDEX keys_time ON keys (last, first);

-- The last record of each run of the gateway, so that removing the last records is found, and so that
-- a record replayed from the spool is stored once.
CREATE TABLE heads (
    run  TEXT    PRIMARY KEY,     -- empty for the records about the log itself
    n    INTEGER NOT NULL,        -- its number in the run
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
