CREATE TABLE product (
    sku         TEXT COLLATE "C" PRIMARY KEY,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    price_cents BIGINT NOT NULL CHECK (price_cents >= 0),
    tags        TEXT NOT NULL DEFAULT '[]'  -- JSON array of strings
);

CREATE TABLE product_tag (
    tag TEXT NOT NULL,
    sku TEXT COLLATE "C" NOT NULL REFERENCES product (sku) ON DELETE CASCADE,
    PRIMARY KEY (tag, sku)
);
