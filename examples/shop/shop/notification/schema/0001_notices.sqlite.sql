CREATE TABLE notice (
    customer TEXT NOT NULL,
    number   INTEGER NOT NULL,  -- counts up for each customer, in the order of the commits: streams go on from the last
    id       TEXT NOT NULL UNIQUE,
    text     TEXT NOT NULL,
    at       TEXT NOT NULL,
    PRIMARY KEY (customer, number)
) STRICT, WITHOUT ROWID;
