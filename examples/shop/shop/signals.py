"""Waking the streams that wait for a change.

A stream reads what is new from its store, then sleeps until somebody in this process says that there may be more. A
service over SQLite lives in exactly one process, so everybody who changes its data is here.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from uuid import UUID


class Signals:
    """Who waits for which key. Use from one event loop; holds nothing for keys that nobody watches."""

    def __init__(self) -> None:
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
