"""A second service of the divergence tests: it calls the first, so that failures and contexts are nested."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from divergence_echo import Echo
from divergence_types import Declared

from calve import CallContext, CallError, Contract, call_options, command, query
from calve.core.context import _current


class Relay(Contract, Protocol, version="1.0"):
    """Calls the echo."""

    @command(raises=[Declared])
    async def fail(self, how: str) -> int:
        """Let what the echo raises through."""
        ...

    @command()
    async def caught(self, how: str) -> str:
        """What the echo raised, as seen from here."""
        ...

    @query()
    async def invalid(self) -> int:
        """Call the echo with an argument that does not fit."""
        ...

    @query()
    async def spoil(self) -> tuple[list[int], list[int], list[int]]:
        """Give the echo a list to change; change a list that it keeps. Returns both, and what it keeps now."""
        ...

    @query()
    async def who(self) -> tuple[str | None, frozenset[str]]: ...
    @command()
    async def keys(self) -> tuple[str, str, str]:
        """The key of this call, of a command made plainly from it, and of one made with a key."""
        ...

    @command()
    async def traces(self) -> tuple[str, str]:
        """The trace of this call, and that of a call made from it."""
        ...

    @query()
    async def remaining(self) -> float | None: ...
    @query()
    async def hang(self) -> None: ...
    @query()
    async def pretend(self, caller: str) -> str:
        """Call the echo as if somebody else did; what came of it."""
        ...

    @query()
    async def impatient(self) -> str:
        """Call something that hangs, with a timeout of its own; what was raised."""
        ...

    @query(raises=[Declared])
    def count(self, upto: int, end: str = "") -> AsyncIterator[int]: ...


class RelayService(Relay):
    """Knows the echo by its contract alone."""

    def __init__(self, echo: Echo) -> None:
        self._echo = echo

    async def fail(self, how: str) -> int:
        return await self._echo.fail(how)

    async def pretend(self, caller: str) -> str:
        token = _current.set(CallContext(caller))
        try:
            return await self._echo.text("fine")
        except CallError as error:
            return f"{error.code} {error.operation} {error.may_have_run} {error}"
        finally:
            _current.reset(token)

    async def caught(self, how: str) -> str:
        try:
            return str(await self._echo.fail(how))
        except Declared as error:
            return repr(error.fields())
        except CallError as error:
            return f"{error.code} {error.operation} {error.may_have_run} {error}"

    async def invalid(self) -> int:
        return await self._echo.number("x")  # type: ignore[arg-type]

    async def spoil(self) -> tuple[list[int], list[int], list[int]]:
        rows = [1]
        await self._echo.spoil(rows, rows)
        kept = await self._echo.state()
        kept.append(77)
        return rows, kept, await self._echo.state()

    async def who(self) -> tuple[str | None, frozenset[str]]:
        return await self._echo.who()

    async def keys(self) -> tuple[str, str, str]:
        own = await self._echo.key()
        with call_options(idempotency_key="given"):
            given = await self._echo.key()
        return own, await self._echo.key(), given

    async def traces(self) -> tuple[str, str]:
        first = await self._echo.trace()
        return first, await self._echo.trace()

    async def remaining(self) -> float | None:
        return await self._echo.remaining()

    async def hang(self) -> None:
        await self._echo.hang()

    async def impatient(self) -> str:
        with call_options(timeout_seconds=0.05):
            try:
                await self._echo.hang()
            except CallError as error:
                return f"{error.code} {error.operation} {error.may_have_run}"
        return "answered"

    async def count(self, upto: int, end: str = "") -> AsyncIterator[int]:
        async for number in self._echo.count(upto, end):
            yield number
