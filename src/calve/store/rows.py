"""Rows: what a statement returns, as `Row` or as the type the caller asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, is_typeddict

import msgspec

from ..contract.operation import is_message
from ..core.codec import dec_hook
from ..core.suggest import did_you_mean
from .errors import StatementError

_AT = re.compile(r"^(?P<what>.*) - at `\$(?:\[(?P<row>\d+)\])?\.?(?P<column>[^`]*)`$", re.DOTALL)


class Row(tuple[Any, ...]):
    """One row: a tuple of values that also knows its columns.

        row.cents == row["cents"] == row[1];  owner, cents = row;  dict(row)

    Values are what the database stores (text for a UUID in SQLite): ask for a type to get more. A column called `keys`,
    or one that is no identifier, such as `count(*)`, is reached by key only.
    """

    __slots__ = ()
    _index: ClassVar[dict[str, int]] = {}
    if TYPE_CHECKING:  # columns of these names win over the methods of tuple
        count: Any
        index: Any

    def keys(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self._index)

    def __getitem__(self, key: Any) -> Any:
        """Value by column name or position. Raises KeyError (with near misses) or IndexError."""
        if isinstance(key, str):
            try:
                return tuple.__getitem__(self, self._index[key])
            except KeyError:
                raise KeyError(f"no column {key!r}; {did_you_mean(key, self._index)}") from None
        return tuple.__getitem__(self, key)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"no column {name!r}; {did_you_mean(name, self._index)}")

    def __repr__(self) -> str:
        return f"Row({', '.join(f'{name}={value!r}' for name, value in zip(self._index, self, strict=True))})"


@lru_cache(maxsize=1024)
def row_type(columns: tuple[str, ...]) -> type[Row]:
    """A subclass of Row for these columns: a property each, which is faster than looking names up for each access."""
    index = {name: i for i, name in enumerate(columns)}
    names = [name for name in columns if name.isidentifier() and name != "keys" and not name.startswith("_")]
    properties = {name: property(itemgetter(index[name])) for name in names}
    return type("Row", (Row,), {"__slots__": (), "_index": index, **properties})


_PLAIN = (int, str, float, bytes)
"""Types whose values are already what was asked for, as every database gives them."""

Make = Callable[[list[tuple[Any, ...]]], list[Any]]
"""From the values of some rows to what the caller asked for."""


def rows_into(columns: tuple[str, ...], into: Any) -> Make:
    """How to turn rows with these columns into `into`; made once per statement and type.

    Raises: StatementError: two columns share a name, `into` is a scalar but there are several columns, or it is no type
        that data can be read into. The function returned raises it when a row does not fit, naming row and column.
    """
    if len(set(columns)) != len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise StatementError(f"two columns are called {twice!r}; give one another name with AS")
    if into is Row:
        kind = row_type(columns)
        return lambda rows: list(map(kind, rows))
    record = into is dict or is_typeddict(into) or is_message(into)
    if not record and len(columns) != 1:
        raise StatementError(f"{_name(into)} holds one column, but there are {len(columns)}: {', '.join(columns)}")
    many, plain = list[into], not record and into in _PLAIN

    def make(rows: list[tuple[Any, ...]]) -> list[Any]:
        if plain and len(rows) == 1 and type(rows[0][0]) is into:
            return [rows[0][0]]
        data = [dict(zip(columns, row, strict=True)) for row in rows] if record else [row[0] for row in rows]
        try:
            # Not strict: SQLite has no bool, only 0 and 1.
            return msgspec.convert(data, many, strict=False, dec_hook=dec_hook)
        except (msgspec.ValidationError, TypeError, NotImplementedError, ValueError) as error:
            raise _misfit(error, into, columns) from error

    return make


def _misfit(error: Exception, into: Any, columns: Sequence[str]) -> StatementError:
    match = _AT.match(str(error))
    if match is None:
        return StatementError(f"rows cannot become {_name(into)}: {error}")
    column = match["column"] or (columns[0] if len(columns) == 1 else "")
    place = f" in column {column}" if column else f" (columns: {', '.join(columns)})"
    row = f"row {int(match['row']) + 1}" if match["row"] else "a row"
    return StatementError(f"{row} does not fit {_name(into)}: {match['what']}{place}")


def _name(into: Any) -> str:
    return getattr(into, "__qualname__", None) or str(into)
