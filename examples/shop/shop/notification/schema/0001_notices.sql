CREATE TABLE notice (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused: streams go on from the last number they saw
    id       TEXT NOT NULL UNIQUE,
    customer TEXT NOT NULL,
    text     TEXT NOT NULL,
    at       TEXT NOT NULL
) STRICT;

CREATE INDEX notice_by_customer ON notice (customer, number);
