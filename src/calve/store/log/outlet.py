"""What a service publishes: from an event to what the log keeps of it, checked when it is published."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

import msgspec

from ...contract import ContractInfo, Event
from ...core.clock import Clock
from ...core.codec import Codec
from ...core.context import CallContext, current_call
from ...core.errors import ConfigError, InvalidArgument
from ...core.ids import new_id_text
from ...core.suggest import did_you_mean

DATA_BYTES_MAX = 1_000_000
"""Limit of one event's data. The smallest that a broker has by default (NATS) is 1 MiB, headers included."""
KEY_CHARACTERS_MAX = 255

Key = str | UUID | int


class Entry(NamedTuple):
    """An event that waits for the end of its transaction."""

    id: str
    """A UUID as text."""
    key: str
    type: str
    version: int
    at_ms: int
    headers: str
    data: bytes


class Outlet:
    """The events of one service.

    Args:
        source: The service.
        contract: What it promises; its `publishes` are the events.
        clock: For the time of publishing.
    """

    def __init__(self, source: str, contract: ContractInfo, clock: Clock) -> None:
        self.source, self._clock = source, clock
        self._contract = contract
        self._codecs: dict[type[Event], Codec[Event]] = {event: Codec(event) for event in contract.publishes}

    def entry(self, event: Event, key: Key | None) -> Entry:
        """What the log keeps of an event.

        Args:
            key: Events of one key stay in order; None for an event that has no order with any other.
        Raises:
            ConfigError: the contract does not say that the service publishes such events.
            InvalidArgument: a field does not fit its type, the data is too long, or the key is no usable one.
        """
        kind = type(event)
        codec = self._codecs.get(kind)
        if codec is None:
            known = [known.__name__ for known in self._codecs]
            raise ConfigError(
                f"{self.source} publishes {kind.__name__}, which its contract {self._contract.name} does not promise; "
                + did_you_mean(kind.__name__, known),
                fix=f"add it to the contract: publishes=[…, {kind.__name__}]",
            )
        data = codec.encode_json(event)
        if len(data) > DATA_BYTES_MAX:
            raise InvalidArgument(
                f"{kind.__name__} takes {len(data)} bytes, the limit of an event is {DATA_BYTES_MAX}; "
                "publish where the data is, and let whoever needs it ask for it"
            )
        new = new_id_text()
        return Entry(
            new,
            _key_text(kind, new if key is None else key),
            kind.__name__,
            self._contract.version.major,
            int(self._clock.now().timestamp() * 1000),
            _headers(current_call()),
            data,
        )

    @property
    def types(self) -> Iterable[str]:
        """Names of the events."""
        return [event.__name__ for event in self._codecs]


def _key_text(kind: type[Event], key: Key) -> str:
    if isinstance(key, bool) or not isinstance(key, str | UUID | int):
        raise InvalidArgument(f"the key of {kind.__name__} is {type(key).__name__}; a key is a str, UUID or int")
    text = str(key)
    if not text or len(text) > KEY_CHARACTERS_MAX or "\0" in text:
        raise InvalidArgument(f"the key of {kind.__name__} has {len(text)} characters; 1 to {KEY_CHARACTERS_MAX} fit")
    return text


def _headers(call: CallContext | None) -> str:
    if call is None:
        return "{}"
    headers = {"cause": call.operation} if call.operation else {}
    trace = call.given_trace
    if trace is not None:
        headers["traceparent"] = trace.traceparent()
        if trace.state:
            headers["tracestate"] = trace.state
    return msgspec.json.encode(headers).decode()
