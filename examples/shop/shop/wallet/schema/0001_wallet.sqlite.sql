CREATE TABLE wallet (
    owner TEXT PRIMARY KEY,
    cents INTEGER NOT NULL CHECK (cents >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE entry (
    number        INTEGER PRIMARY KEY,
    owner         TEXT NOT NULL REFERENCES wallet (owner),
    kind          TEXT NOT NULL CHECK (kind IN ('deposit', 'debit', 'refund')),
    cents         INTEGER NOT NULL CHECK (cents > 0),
    reference     TEXT NOT NULL,
    balance_cents INTEGER NOT NULL CHECK (balance_cents >= 0),
    at            TEXT NOT NULL,
    UNIQUE (owner, kind, reference)  -- a reference moves money once
) STRICT;

CREATE INDEX entry_by_owner ON entry (owner, number);
