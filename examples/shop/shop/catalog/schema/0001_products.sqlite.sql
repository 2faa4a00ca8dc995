CREATE TABLE product (
    sku         TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    price_cents INTEGER NOT NULL CHECK (price_cents >= 0),
    tags        TEXT NOT NULL DEFAULT '[]'  -- JSON array of strings
) STRICT;

CREATE TABLE product_tag (
    tag TEXT NOT NULL,
    sku TEXT NOT NULL REFERENCES product (sku) ON DELETE CASCADE,
    PRIMARY KEY (tag, sku)
) STRICT, WITHOUT ROWID;
