"""Forgetting: marks that have expired are deleted in the background, a few at a time."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.clock import Clock
from ...core.errors import StoreError
from ...observe import Logger
from ...store import Store

PRUNE_SECONDS = 60.0
"""Between two rounds."""
BATCH = 500
"""Marks deleted in one transaction; a few milliseconds, during which nobody else writes."""


async def prune_forever(stores: Mapping[str, Store], clock: Clock, log: Logger) -> None:
    """Delete expired marks of all stores, now and every `PRUNE_SECONDS`; a store that fails is tried again then."""
    while True:
        for service, store in list(stores.items()):
            try:
                while await store.prune_marks(int(clock.now().timestamp() * 1000), BATCH) == BATCH:
                    pass
            except StoreError as error:
                log.warning("idempotency marks not pruned", service=service, error=error)
        await clock.sleep(PRUNE_SECONDS)
