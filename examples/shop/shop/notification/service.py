"""Notification over its own database; customers who are watching see a message as soon as it is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from calve import Clock, Store

from ..signals import LOOK_SECONDS, Signals
from .contract import Notice, Notification, Position, Text

WATCH_CHUNK = 50


class NotificationService(Notification):
    """The table is the truth, signals only say that it is worth looking again: nothing is lost between the two."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._signals = Signals(None if store.exclusive else LOOK_SECONDS)

    async def notify(self, notice: UUID, customer: UUID, text: Text) -> None:
        async with self._store.transaction() as tx:
            await tx.execute(
                """INSERT INTO notice (customer, number, id, text, at)
                   SELECT :customer, coalesce(max(number), 0) + 1, :notice, :text, :at
                   FROM notice WHERE customer = :customer
                   ON CONFLICT (id) DO NOTHING""",
                notice=notice,
                customer=customer,
                text=text,
                at=self._clock.now(),
            )
        self._signals.wake(customer)

    async def notices(self, customer: UUID, after: Position = 0, limit: int = 50) -> tuple[Notice, ...]:
        rows = await self._store.all(
            """SELECT number, id, text, at FROM notice WHERE customer = :customer AND number > :after
               ORDER BY number LIMIT :limit""",
            Notice,
            customer=customer,
            after=after,
            limit=limit,
        )
        return tuple(rows)

    async def watch(self, customer: UUID, after: Position = 0) -> AsyncIterator[Notice]:
        with self._signals.watch(customer) as next_change:
            while True:
                while notices := await self.notices(customer, after, WATCH_CHUNK):
                    for notice in notices:
                        yield notice
                        after = notice.number
                await next_change()
