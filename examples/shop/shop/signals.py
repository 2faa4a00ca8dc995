"""Waking the streams that wait for a change.

A stream reads what is new from its store, then sleeps until somebody in this process says that there may be more. Over
SQLite a service lives in exactly one process, so everybody who changes its data is here. Over PostgreSQL there may be
replicas, and their changes are seen when the stream looks again by itself.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

LOOK_SECONDS = 1.0
"""How often a stream looks by itself where other processes may change the data."""


class Signals:
    """Who waits for which key. Use from one event loop; holds nothing for keys that nobody watches.

    Args:
        look_seconds: Longest wait; None waits until there is a change.
    """

    def __init__(self, look_seconds: float | None = None) -> None:
        self._look_seconds = look_seconds
        self._watchers: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)

    def __len__(self) -> int:
        return sum(len(watchers) for watchers in self._watchers.values())

    def wake(self, key: UUID) -> None:
        """Something under `key` has changed and is committed."""
        for changed in self._watchers.get(key, ()):
            changed.set()

    @contextmanager
    def watch(self, key: UUID) -> Iterator[Callable[[], Awaitable[None]]]:
        """Give a function that waits for the next change under `key`.

        Read the store, then wait: a change since the last wait, also one during the read, ends the wait at once.
        """
        changed = asyncio.Event()

        async def next_change() -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_seconds):
                    await changed.wait()
            changed.clear()

        watchers = self._watchers[key]
        watchers.add(changed)
        try:
            yield next_change
        finally:
            watchers.discard(changed)
            if not watchers:
                self._watchers.pop(key, None)
