CREATE TABLE stock (
    sku       TEXT PRIMARY KEY,
    available BIGINT NOT NULL CHECK (available >= 0),
    reserved  BIGINT NOT NULL DEFAULT 0 CHECK (reserved >= 0)
);

CREATE TABLE reservation (
    order_id UUID NOT NULL,
    sku      TEXT NOT NULL REFERENCES stock (sku),
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (order_id, sku)
);

CREATE TABLE delivery (
    id  UUID NOT NULL,
    sku TEXT NOT NULL REFERENCES stock (sku),
    PRIMARY KEY (id, sku)
);
