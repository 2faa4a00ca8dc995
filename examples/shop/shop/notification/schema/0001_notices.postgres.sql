CREATE TABLE notice (
    customer UUID NOT NULL,
    number   BIGINT NOT NULL,  -- counts up for each customer, in the order of the commits: streams go on from the last
    id       UUID NOT NULL UNIQUE,
    text     TEXT NOT NULL,
    at       TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (customer, number)
);
