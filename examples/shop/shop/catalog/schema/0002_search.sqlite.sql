-- The text lives in the table product; the index refers to its rows, so nothing is stored twice.
CREATE VIRTUAL TABLE product_text USING fts5 (
    name, description, tags,
    content = 'product', tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
);

CREATE TRIGGER product_text_insert AFTER INSERT ON product BEGIN
    INSERT INTO product_text (rowid, name, description, tags)
    VALUES (new.rowid, new.name, new.description, new.tags);
END;

CREATE TRIGGER product_text_update AFTER UPDATE ON product BEGIN
    INSERT INTO product_text (product_text, rowid, name, description, tags)
    VALUES ('delete', old.rowid, old.name, old.description, old.tags);
    INSERT INTO product_text (rowid, name, description, tags)
    VALUES (new.rowid, new.name, new.description, new.tags);
END;

CREATE TRIGGER product_text_delete AFTER DELETE ON product BEGIN
    INSERT INTO product_text (product_text, rowid, name, description, tags)
    VALUES ('delete', old.rowid, old.name, old.description, old.tags);
END;
