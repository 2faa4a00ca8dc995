"""What a service that handles events answers to whoever operates it: how far it is, and what is parked.

calve events lag | parked | show | retry | edit | drop  ──> over the wire ──> Desk ──> Parking, inbox
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ..contract import Contract, Endpoint, Message, command, describe, query
from ..core.codec import Codec
from ..core.errors import InvalidArgument
from ..store import Store, inbox
from ..store.inbox import ParkedKey
from ..store.log import Record
from .handlers import Handler
from .parking import Parking
from .remote import MakeEndpoint

KEYS_MAX = 1000
_MARKS = "SELECT source, shard, mark FROM calve_inbox ORDER BY source, shard"


class InboxMark(Message):
    """How far a service is in a shard of a log."""

    source: str
    shard: int
    mark: int
    """Every offset up to this one is done."""


class EventDesk(Contract, Protocol, version="1.0"):
    """What every service that handles events answers to operators, beside its own contract."""

    @query()
    async def calve_events_marks(self) -> tuple[InboxMark, ...]:
        """How far it is in the logs it reads."""
        ...

    @query()
    async def calve_events_parked(self) -> tuple[ParkedKey, ...]:
        """The keys that wait for somebody."""
        ...

    @query()
    async def calve_events_show(self, source: str, key: str) -> tuple[Record, ...]:
        """The first events of a parked key."""
        ...

    @command()
    async def calve_events_retry(self, source: str, key: str) -> None:
        """Handle the events of a parked key now."""
        ...

    @command()
    async def calve_events_drop(self, source: str, key: str) -> Record:
        """Give up the first event of a parked key."""
        ...

    @command()
    async def calve_events_edit(self, source: str, key: str, data: str) -> Record:
        """Replace the data of the first event of a parked key, as JSON; the answer is what was there."""
        ...


class Desk:
    """Answers for one service.

    Args:
        store: Its own.
        handlers: What it handles.
    """

    def __init__(self, store: Store, handlers: Sequence[Handler]) -> None:
        self._store, self._parking = store, Parking(store)
        self._codecs: Mapping[str, Codec[Any]] = {handler.event.__name__: handler.codec for handler in handlers}

    async def calve_events_marks(self) -> tuple[InboxMark, ...]:
        """See the contract."""
        return tuple(await self._store.all(_MARKS, InboxMark))

    async def calve_events_parked(self) -> tuple[ParkedKey, ...]:
        """See the contract."""
        return tuple(await self._store.all(inbox.LIST_KEYS, ParkedKey, limit=KEYS_MAX))

    async def calve_events_show(self, source: str, key: str) -> tuple[Record, ...]:
        """See the contract."""
        return tuple(await self._parking.events(source, key))

    async def calve_events_retry(self, source: str, key: str) -> None:
        """See the contract."""
        await self._parking.retry(source, key)

    async def calve_events_drop(self, source: str, key: str) -> Record:
        """See the contract."""
        return await self._parking.drop(source, key)

    async def calve_events_edit(self, source: str, key: str, data: str) -> Record:
        """See the contract; refuses what the handler could not read."""
        first = await self._parking.events(source, key, limit=1)
        if first:
            codec = self._codecs.get(first[0].type)
            if codec is None:
                raise InvalidArgument(f"nobody here handles {first[0].type} any more", field="key")
            codec.decode_json(data.encode())
        return await self._parking.edit(source, key, data.encode())


def desk_endpoints(service: str, desk: Desk, make: MakeEndpoint) -> list[Endpoint]:
    """What operators call.

    Args:
        make: From service, operation and method to an endpoint.
    """
    return [make(service, operation, getattr(desk, name)) for name, operation in DESK.items()]


DESK = describe(EventDesk).operations
"""By name."""
