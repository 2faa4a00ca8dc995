"""Letting go of events that are old, and that every consumer has."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.clock import Clock
from ..core.errors import StoreError
from ..observe import Logger
from ..store.log import Log

PRUNE_SECONDS = 60.0
BATCH = 1000


async def prune_logs(logs: Mapping[str, Log], retention_ms: int, clock: Clock, log: Logger) -> None:
    """Prune logs, now and every `PRUNE_SECONDS`, until cancelled; one that fails is tried again then.

    Args:
        logs: By service.
        retention_ms: How long an event is kept at least.
    """
    while True:
        for service, events in logs.items():
            try:
                await prune_log(events, int(clock.now().timestamp() * 1000) - retention_ms)
            except StoreError as error:
                log.warning("old events not let go of", service=service, error=error)
        await clock.sleep(PRUNE_SECONDS)


async def prune_log(events: Log, before_ms: int) -> int:
    """Let go of what was published before a time, as far as every consumer that was ever seen has it.

    Returns: how many events went.
    """
    readers, gone = await events.readers(), 0
    for shard in range(events.shards):
        behind = [reader.offset for reader in readers if reader.shard == shard]
        upto = min(behind, default=await events.last(shard))
        while pruned := await events.prune(shard, before_ms, upto, BATCH):
            gone += pruned
            if pruned < BATCH:
                break
    return gone
