-- An index over an expression: the text lives in the table product, and nothing has to be kept in step by triggers.
CREATE FUNCTION words(text TEXT) RETURNS TSVECTOR LANGUAGE SQL IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_tsvector('simple', regexp_replace(normalize(text, NFD), '[\u0300-\u036f]', '', 'g'))
$$;

CREATE FUNCTION product_words(name TEXT, description TEXT, tags TEXT) RETURNS TSVECTOR
LANGUAGE SQL IMMUTABLE PARALLEL SAFE AS $$
    SELECT setweight(words(name), 'A') || setweight(words(tags), 'B') || setweight(words(description), 'C')
$$;

CREATE INDEX product_by_words ON product USING gin (product_words(name, description, tags));
