"""Handling an event: `tx` keeps the letter together with the note that the event is handled."""

from __future__ import annotations

from typing import Annotated

from calve import Clock, Meta, Store, Transaction, on

from ..members.contract import Joined
from .contract import Letters


class LettersService(Letters):
    """Writes to everybody once, however often this process is killed in between."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    @on(Joined)
    async def welcome(self, event: Joined, tx: Transaction) -> None:
        """A letter for whoever has joined."""
        text = f"Welcome, {event.name}, member {event.number}!"
        await tx.execute("INSERT INTO letter (name, text) VALUES (:name, :text)", name=event.name, text=text)

    async def box(self, name: str, wait_seconds: Annotated[float, Meta(ge=0, le=20)] = 0) -> tuple[str, ...]:
        until = self._clock.monotonic() + wait_seconds
        while not (letters := await self._letters(name)) and self._clock.monotonic() < until:
            await self._clock.sleep(0.02)
        return letters

    async def _letters(self, name: str) -> tuple[str, ...]:
        sql = "SELECT text FROM letter WHERE name = :name ORDER BY number"
        return tuple(await self._store.all(sql, str, name=name))
