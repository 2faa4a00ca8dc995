CREATE TABLE customer_order (
    id          TEXT PRIMARY KEY,
    customer    TEXT NOT NULL,
    status      TEXT NOT NULL,
    total_cents INTEGER NOT NULL CHECK (total_cents >= 0),
    placed_at   TEXT NOT NULL,
    lines       TEXT NOT NULL  -- JSON array of {sku, quantity, price_cents}
) STRICT, WITHOUT ROWID;

CREATE INDEX order_by_customer ON customer_order (customer, placed_at);

CREATE TABLE status_change (
    number   INTEGER PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES customer_order (id),
    status   TEXT NOT NULL,
    at       TEXT NOT NULL,
    UNIQUE (order_id, status)
) STRICT;
