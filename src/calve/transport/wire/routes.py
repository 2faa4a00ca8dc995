"""Which connection a call takes: the least busy one among the fit addresses of its service.

Routes    service -> Route       address -> Channel       (services in one unit share its channel)
Route     the channels of one service, in the resolver's answer; rebuilt when that answer becomes another object
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from ...contract import Operation
from .address import Address
from .base import Resolver
from .channel import Channel
from .client_link import ClientLink
from .fitness import NO, RATHER_NOT, YES


class Route:
    """The channels of one service."""

    __slots__ = ("_resolver", "_turn", "addresses", "channels", "service", "targets")

    def __init__(self, service: str, resolver: Resolver) -> None:
        self.service = service
        self._resolver = resolver
        self.addresses: Sequence[Address] | None = None
        """What the resolver said; None before it was asked."""
        self.channels: tuple[Channel, ...] = ()
        self.targets: dict[Operation, str] = {}
        """How requests name the operations called so far."""
        self._turn = 0

    def pick(self) -> ClientLink | None:
        """A connection that can take a call now: the one with the fewest calls waiting; in turn among equals.

        One that is not fit gets it only when there is no other, and none that may be back in a moment. Addresses
        without a connection are tried again on the way: they are new, or were away for a while.
        """
        channels = self.channels
        if len(channels) == 1:
            link = channels[0].link
            return link if link is not None and link.writable and len(link.waiters) < link.calls_max else None
        best: list[ClientLink | None] = [None, None, None]  # by verdict
        turns, coming = [0, 0, 0], False
        for turn in range(self._turn, self._turn + len(channels)):
            channel = channels[turn % len(channels)]
            link = channel.link
            if link is None:
                channel.want()
                coming = coming or channel.coming
                continue
            waiting = len(link.waiters)
            if not link.writable or waiting >= link.calls_max:
                continue
            verdict = channel.fitness.verdict(waiting, link.loop.time()) if channel.fitness.marked else YES
            rival = best[verdict]
            if rival is None or waiting < len(rival.waiters):
                best[verdict], turns[verdict] = link, turn + 1
        found = YES if best[YES] else RATHER_NOT if best[RATHER_NOT] else NO
        if best[found] is not None:
            self._turn = turns[found]  # after the one taken: those after a sick one get no more than others
        return None if found == NO and coming else best[found]

    def all_full(self) -> bool:
        """Whether every channel is connected, and every connection has as many calls in flight as its server takes."""
        links = [channel.link for channel in self.channels]
        return bool(links) and all(link is not None and len(link.waiters) >= link.calls_max for link in links)

    def hopeless(self) -> bool:
        """Whether every channel failed for a reason that waiting does not mend."""
        return bool(self.channels) and all(c.link is None and c.hopeless for c in self.channels)

    def reasons(self) -> str:
        """Why there is no connection, per address."""
        if not self.channels:
            return self._resolver.missing(self.service)
        return "; ".join(f"{channel.address}: {_reason(channel)}" for channel in self.channels)


def _reason(channel: Channel) -> str:
    if channel.link is not None:
        return "connected, but it does not read what is sent"
    return channel.reason or "not connected yet"


class Routes:
    """All routes of a client, and the channels they share.

    Args:
        resolver: Where services are.
        new_channel: `new_channel(address, late)` makes the channel of an address; late: beside others that are known.
    """

    def __init__(self, resolver: Resolver, new_channel: Callable[[Address, bool], Channel]) -> None:
        self._resolver, self._new_channel = resolver, new_channel
        self._routes: dict[str, Route] = {}
        self._channels: dict[Address, Channel] = {}
        self._retired: list[Channel] = []

    def to(self, service: str) -> Route:
        """The route of a service, up to date with the resolver."""
        route = self._routes.get(service)
        if route is None:
            route = self._routes[service] = Route(service, self._resolver)
        addresses = self._resolver.resolve(service)
        if addresses is not route.addresses:
            self._update(route, addresses)
        return route

    async def close(self, reason: str) -> None:
        """End all connections."""
        channels = (*self._channels.values(), *self._retired)
        for channel in channels:
            channel.hang_up(reason)
        await asyncio.gather(*(channel.ended() for channel in channels))

    def _update(self, route: Route, addresses: Sequence[Address]) -> None:
        late = bool(route.addresses)
        route.addresses = addresses
        route.channels = tuple(self._channel(address, late) for address in dict.fromkeys(addresses))
        for channel in route.channels:
            channel.alone = len(route.channels) == 1
        used = {channel.address for other in self._routes.values() for channel in other.channels}
        self._retired = [channel for channel in self._retired if channel.connected]
        for address in [address for address in self._channels if address not in used]:
            channel = self._channels.pop(address)
            channel.retire()
            self._retired.append(channel)

    def _channel(self, address: Address, late: bool) -> Channel:
        channel = self._channels.get(address)
        if channel is None:
            channel = self._channels[address] = self._new_channel(address, late)
        return channel
