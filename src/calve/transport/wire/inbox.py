"""A stream, as its consumer sees it: items that have arrived and were not taken yet, then the outcome.

Credit is given back in halves of the window rather than item by item, so that a stream costs one small frame per 32
items and the producer never runs dry before the next one is on its way.
"""

from __future__ import annotations

import asyncio
from collections import deque

from .client_link import ClientLink, Outcome
from .frames import Item


class Inbox:
    """Waits for one stream; an `ItemWaiter`."""

    __slots__ = ("_items", "_outcome", "_taken", "_waiting", "_window", "call_id", "link")

    def __init__(self, link: ClientLink, window: int) -> None:
        self.link = link
        self.call_id = 0
        """Given once the request is on its way."""
        self._window = window
        self._items: deque[Item] = deque()
        self._outcome: Outcome | None = None
        self._taken = 0
        self._waiting: asyncio.Future[None] | None = None

    def put(self, item: Item) -> None:
        """One more item has arrived."""
        self._items.append(item)
        self._wake()

    def done(self) -> bool:
        """Whether the outcome is there."""
        return self._outcome is not None

    def set_result(self, outcome: Outcome, /) -> None:
        """Nothing more will arrive."""
        self._outcome = outcome
        self._wake()

    async def next(self) -> Item | Outcome:
        """The next item; the outcome after the last one."""
        while not self._items:
            if self._outcome is not None:
                return self._outcome
            self._waiting = self.link.loop.create_future()
            await self._waiting
        self._taken += 1
        if self._taken * 2 >= self._window and self._outcome is None:
            self.link.connection.send_credit(self.call_id, self._taken)
            self._taken = 0
        return self._items.popleft()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
