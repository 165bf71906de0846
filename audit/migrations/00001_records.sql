-- The format is described in docs/audit-format.md. Everything below is checked by
-- "ringfence calls verify" against the chained bytes in records.body.

-- +goose Up
CREATE TABLE records (
    seq       INTEGER PRIMARY KEY,  -- 1, 2, 3, … without gaps
    uid       TEXT    NOT NULL UNIQUE, -- 32 hex digits; a record replayed from the spool is stored once
    kind      TEXT    NOT NULL,     -- call, prune, erase
    time      INTEGER NOT NULL,     -- microseconds since 1970-01-01 UTC
    trunk     TEXT    NOT NULL,
    class     TEXT    NOT NULL,
    treatment TEXT    NOT NULL,
    rule      TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    status    INTEGER NOT NULL,
    reference TEXT    NOT NULL,
    body      TEXT    NOT NULL,     -- the chained bytes
    hash      BLOB    NOT NULL      -- SHA-256(previous hash, seq, body)
) STRICT;

CREATE INDEX records_time ON records (time);
CREATE INDEX records_reference ON records (reference);
CREATE INDEX records_treatment ON records (treatment);
CREATE INDEX records_reason ON records (reason);

-- What may be erased. records.body commits to salt and data.
CREATE TABLE personal (
    seq     INTEGER PRIMARY KEY,
    salt    BLOB NOT NULL,          -- 32 random bytes
    data    TEXT NOT NULL,          -- the whole call record, JSON
    caller  TEXT NOT NULL,
    called  TEXT NOT NULL,
    call_id TEXT NOT NULL
) STRICT;

CREATE INDEX personal_caller ON personal (caller);
CREATE INDEX personal_called ON personal (called);
CREATE INDEX personal_call_id ON personal (call_id);

-- The end of the chain, so that removing the last records is found.
CREATE TABLE head (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL
) STRICT;

INSERT INTO head (id, seq, hash) VALUES (1, 0, zeroblob(32));
