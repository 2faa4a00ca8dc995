"""A service of the divergence tests that fails as it is told to, and counts what arrives."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Protocol

from calve import Contract, Policy, Unavailable, command, query


class Sick(Contract, Protocol, version="1.0", policy=Policy(retry_first_seconds=0.01)):
    """Fails."""

    @query(http="GET /flaky/{name}")
    async def flaky(self, name: str, failures: int) -> int:
        """Fails the first times it is asked for a name. Returns: how often it was asked."""
        ...

    @query()
    async def once(self, name: str, failures: int) -> int:
        """The same; calve.toml allows one attempt."""
        ...

    @command()
    async def flaky_command(self, name: str, failures: int, may_have_run: bool) -> int: ...
    @query(policy=Policy(attempts_max=3))
    async def never(self, name: str) -> int: ...
    @query(policy=Policy(breaker_calls_min=0))
    async def storm(self, name: str) -> int: ...
    @query(policy=Policy(fallback=-1))
    async def guess(self, name: str) -> int: ...
    @query(policy=Policy(calls_max=1, queue_max=0))
    async def alone(self) -> int:
        """Returns when `release` was called."""
        ...

    @command()
    async def release(self) -> None: ...
    @command()
    async def heal(self, name: str) -> None:
        """Let `never` answer from now on."""
        ...

    @query()
    async def asked(self, name: str) -> int: ...


class SickService(Sick):
    """Counts by name."""

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()
        self._well: set[str] = set()
        self._go_on = asyncio.Event()

    async def flaky(self, name: str, failures: int) -> int:
        return self._answer(name, self._asked[name] >= failures)

    async def once(self, name: str, failures: int) -> int:
        return self._answer(name, self._asked[name] >= failures)

    async def flaky_command(self, name: str, failures: int, may_have_run: bool) -> int:
        return self._answer(name, self._asked[name] >= failures, may_have_run)

    async def never(self, name: str) -> int:
        return self._answer(name, name in self._well)

    async def storm(self, name: str) -> int:
        return self._answer(name, False)

    async def guess(self, name: str) -> int:
        return self._answer(name, False)

    async def alone(self) -> int:
        self._asked["alone"] += 1
        await self._go_on.wait()
        return 1

    async def release(self) -> None:
        self._go_on.set()

    async def heal(self, name: str) -> None:
        self._well.add(name)

    async def asked(self, name: str) -> int:
        return self._asked[name]

    def _answer(self, name: str, well: bool, may_have_run: bool = True) -> int:
        self._asked[name] += 1
        if not well:
            raise Unavailable("sick", may_have_run=may_have_run)
        return self._asked[name]
