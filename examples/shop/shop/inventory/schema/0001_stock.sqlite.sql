CREATE TABLE stock (
    sku       TEXT PRIMARY KEY,
    available INTEGER NOT NULL CHECK (available >= 0),
    reserved  INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE reservation (
    order_id TEXT NOT NULL,
    sku      TEXT NOT NULL REFERENCES stock (sku),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, sku)
) STRICT, WITHOUT ROWID;

CREATE TABLE delivery (
    id  TEXT NOT NULL,
    sku TEXT NOT NULL REFERENCES stock (sku),
    PRIMARY KEY (id, sku)
) STRICT, WITHOUT ROWID;
