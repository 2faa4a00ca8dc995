"""A service of the divergence tests that calls the sick one, and is called itself: two layers of policies."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from divergence_sick import Sick

from calve import Contract, query


class Nurse(Contract, Protocol, version="1.0"):
    """Asks the sick."""

    @query()
    async def never(self, name: str) -> int: ...
    @query()
    async def storm(self, name: str) -> int: ...
    @query()
    async def asked(self, name: str) -> int: ...


class NurseService(Nurse):
    """Lets failures through."""

    def __init__(self, sick: Sick) -> None:
        self._sick = sick
        self._asked: Counter[str] = Counter()

    async def never(self, name: str) -> int:
        self._asked[name] += 1
        return await self._sick.never(name)

    async def storm(self, name: str) -> int:
        self._asked[name] += 1
        return await self._sick.storm(name)

    async def asked(self, name: str) -> int:
        return self._asked[name]
