"""Every dispatcher of one service: one task for each shard of each source whose events it handles."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from ..core.clock import Clock
from ..core.errors import CallError, StoreError
from ..observe import Logger
from ..store import Store
from .base import Feed
from .batch import DispatchOptions
from .dispatcher import Dispatcher
from .handlers import Handler
from .metrics import ConsumerMetrics


class Consumers:
    """What a service handles.

    Args:
        store: The service's own.
        feeds: By source; with the handlers of its events.
        alone: See `Dispatcher`; of this service alone unless given.
    """

    def __init__(
        self,
        store: Store,
        feeds: Iterable[tuple[Feed, Iterable[Handler]]],
        *,
        clock: Clock,
        log: Logger,
        options: DispatchOptions,
        alone: asyncio.Lock | None = None,
    ) -> None:
        self._store, self._clock, self._log, self._options = store, clock, log, options
        self._alone = alone or asyncio.Lock()
        self._feeds = [(feed, {h.event.__name__: h for h in handlers}) for feed, handlers in feeds]
        self.metrics: dict[str, ConsumerMetrics] = {feed.source: ConsumerMetrics() for feed, _ in self._feeds}
        """By source."""
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to read; sources that cannot be reached yet are asked again."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._follow(feed, handlers)) for feed, handlers in self._feeds]

    async def _follow(self, feed: Feed, handlers: Mapping[str, Handler]) -> None:
        shards = await self._shards(feed)
        async with asyncio.TaskGroup() as tasks:
            for shard in range(shards):
                dispatcher = Dispatcher(
                    self._store,
                    feed,
                    shard,
                    handlers,
                    clock=self._clock,
                    log=self._log,
                    metrics=self.metrics[feed.source],
                    options=self._options,
                    alone=self._alone,
                )
                tasks.create_task(dispatcher.run())

    async def _shards(self, feed: Feed) -> int:
        while True:
            try:
                return await feed.shards()
            except (CallError, StoreError) as error:
                self._log.warning("events wait: their source does not answer", source=feed.source, error=error)
                await asyncio.sleep(self._options.pause_seconds)

    async def stop(self) -> None:
        """Stop; what is not committed is rolled back, and comes again after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
