"""A statement as this store knows it: its text for the server, and how its parameters are converted.

The types of the parameters are the server's: it finds them out when the statement is prepared for the first time. Where
it cannot, casts are put into the text: from the other occurrences of the parameter (`:a IS NULL OR a = :a`), or from
the values of that first time (`SELECT :a + :b`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import asyncpg

from ..errors import StatementError
from ..rows import Make, rows_into
from ..statement import shorten
from .statement import translate_statement
from .values import Convert, cast_for, convert, converter

_UNTYPED = (asyncpg.AmbiguousParameterError, asyncpg.IndeterminateDatatypeError)
_NUMBER = re.compile(r"\$(\d+)")
_SAVEPOINT = "calve_describe"
_COUNTED = {"INSERT", "UPDATE", "DELETE"}
_READS = {"SELECT", "VALUES", "TABLE", "EXPLAIN"}


class Preparing:
    """Prepares statements, and keeps a transaction alive when one is refused.

    Args:
        in_transaction: Whether there is a savepoint to go back to.
    """

    def __init__(self, connection: Any, in_transaction: bool) -> None:
        self._connection, self._in_transaction = connection, in_transaction

    async def __call__(self, text: str) -> Any:
        try:
            return await self._connection.prepare(text, name="")
        except asyncpg.PostgresError:
            if self._in_transaction:
                await self._connection.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            raise


class Plan:
    """One statement of one store.

    Raises: StatementError: see `translate_statement`.
    """

    __slots__ = ("_converters", "_known", "_makers", "_numeric", "counted", "names", "sql", "text", "writes")

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.text, self.names, first, returning = translate_statement(sql)
        self._known = frozenset(self.names)
        self.writes = first not in _READS
        """Whether it may change rows."""
        self.counted: str | None = None
        """The text that returns a row for each one changed, for `execute_many`; None if that cannot be had."""
        if first in _COUNTED:
            self.counted = self.text if returning else f"{self.text}\nRETURNING 1"
        self._converters: list[tuple[Convert, frozenset[type]]] | None = None if self.names else []
        self._numeric = True
        self._makers: dict[tuple[tuple[str, ...], Any], Make] = {}

    @property
    def described(self) -> bool:
        """Whether the types of the parameters are known."""
        return self._converters is not None

    def check_names(self, params: Mapping[str, Any]) -> None:
        """Raise StatementError unless there is one value for each parameter; names those missing or unknown."""
        names = self.names
        if params.keys() == self._known:
            return
        missing = [name for name in names if name not in params]
        unknown = [name for name in params if name not in names]
        parts = [f"{what}: {', '.join(found)}" for what, found in (("missing", missing), ("unknown", unknown)) if found]
        takes = ", ".join(f":{name}" for name in dict.fromkeys(names)) or "no parameters"
        raise StatementError(f"parameters {'; '.join(parts)}; the statement takes {takes} ({shorten(self.sql)!r})")

    def bind(self, params: Mapping[str, Any]) -> list[Any]:
        """Values in the order of `names`, of the types that the server wants.

        Raises: StatementError: names the parameters that are missing or unknown, or the one that cannot be stored.
        """
        self.check_names(params)
        assert self._converters is not None
        values = []
        for name, (using, plain) in zip(self.names, self._converters, strict=True):
            value = params[name]
            values.append(value if value is None or type(value) in plain else convert(name, value, using))
        return values

    async def describe(self, connection: Any, params: Mapping[str, Any], *, in_transaction: bool) -> None:
        """Learn the types of the parameters from the server.

        Args:
            params: Values of this run, for parameters whose type nothing else tells.
            in_transaction: Whether an error would end a transaction; a savepoint then keeps it.
        Raises: asyncpg.PostgresError: the statement is wrong.
        """
        self.check_names(params)
        if in_transaction:
            await connection.execute(f"SAVEPOINT {_SAVEPOINT}")
        prepared = await self._prepare(Preparing(connection, in_transaction), params)
        # Preparing begins a transaction of its own where there is none, and only the end of a request ends it.
        await connection.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}" if in_transaction else "SELECT 1")
        self._numeric = any(column.type.name == "numeric" for column in prepared.get_attributes())
        self._converters = [converter(kind.name) for kind in prepared.get_parameters()]

    async def _prepare(self, preparing: Preparing, params: Mapping[str, Any]) -> Any:
        """Prepare the statement, with casts where the server cannot tell the type of a parameter."""
        try:
            return await preparing(self.text)
        except asyncpg.AmbiguousFunctionError as error:  # `:a + :b`: only the values tell
            first, names = error, translate_statement(self.sql, {}).names
            final = {number: cast_for(params[name]) for number, name in enumerate(names, 1)}
        except _UNTYPED as error:  # `:a IS NULL OR a = :a`: the other occurrences tell
            first, final = error, await self._find_casts(preparing, params, error)
        translated = translate_statement(self.sql, final)
        try:
            prepared = await preparing(translated.text)
        except asyncpg.PostgresError:
            raise first from None  # which speaks of what the author wrote
        self.text, self.names, self.counted = translated.text, translated.names, None
        return prepared

    async def _find_casts(
        self, preparing: Preparing, params: Mapping[str, Any], error: asyncpg.PostgresError
    ) -> dict[int, str]:
        """Which occurrences of parameters have no type of their own, and the type to give them."""
        casts: dict[int, str] = {}
        while True:
            translated = translate_statement(self.sql, casts)
            try:
                prepared = await preparing(translated.text)
            except _UNTYPED as untyped:
                number = int(match[1]) if (match := _NUMBER.search(str(untyped))) else 0
                if number in casts or not 0 < number <= len(translated.names):
                    raise error from None
                casts[number] = "text"  # whatever: what the others are is asked first
            else:
                break
        kinds = enumerate(zip(translated.names, prepared.get_parameters(), strict=True), 1)
        known = {name: kind.name for number, (name, kind) in kinds if number not in casts}
        names = translated.names
        return {n: known.get(names[n - 1]) or cast_for(params[names[n - 1]]) for n in casts}

    def rows(self, records: Sequence[Any], into: Any) -> list[Any]:
        """What the caller gets of some rows.

        A NUMERIC without a fraction becomes an int: the sum of integers is one for SQLite too.
        Raises: StatementError: see `rows_into`.
        """
        if not records:
            return []
        columns = tuple(records[0].keys())
        make = self._makers.get((columns, into))
        if make is None:
            make = self._makers[columns, into] = rows_into(columns, into)
        return make([tuple(map(_whole, record)) for record in records] if self._numeric else list(records))


def _whole(value: Any) -> Any:
    return int(value) if type(value) is Decimal and value.as_tuple().exponent == 0 else value
