"""From what people type to what the full-text index understands; each database has its own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

_WORD = re.compile(r"\w+")
_LETTER = re.compile(r"[^\W_]+")


def sqlite_expression(text: str) -> str | None:
    """An FTS5 query for rows with every word of `text`, the last letters of which may be missing.

    Words are quoted, so operators of the query language (AND, NEAR, *, ^ …) are words like any other.
    Returns: None when there is no word in the text, which matches nothing.
    """
    words = _WORD.findall(text)
    return " ".join(f'"{word}"*' for word in words) if words else None


def postgres_expression(text: str) -> str | None:
    """The same as a `tsquery`, without accents, as the index has it."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    words = _LETTER.findall(plain)
    return " & ".join(f"'{word}':*" for word in words) if words else None


class Dialect(NamedTuple):
    """What is different from one database to the other."""

    expression: Callable[[str], str | None]
    search: str
    """Takes `expression` and `limit`."""
    prices: str
    """Takes `skus`, as JSON text."""


DIALECTS = {
    "sqlite": Dialect(
        sqlite_expression,
        """SELECT product.* FROM product_text JOIN product ON product.rowid = product_text.rowid
           WHERE product_text MATCH :expression
           ORDER BY bm25(product_text, 4.0, 1.0, 2.0), sku LIMIT :limit""",
        "SELECT sku, price_cents FROM product WHERE sku IN (SELECT value FROM json_each(:skus))",
    ),
    "postgres": Dialect(
        postgres_expression,
        """SELECT product.* FROM product, to_tsquery('simple', :expression) AS wanted
           WHERE product_words(name, description, tags) @@ wanted
           ORDER BY ts_rank('{0, 0.2, 0.4, 1}', product_words(name, description, tags), wanted) DESC, sku
           LIMIT :limit""",
        "SELECT sku, price_cents FROM product WHERE sku IN (SELECT json_array_elements_text(:skus::json))",
    ),
}
