"""Whatever a peer sends, in pieces of whatever size: no crash, no growth, and the same meaning however it is cut."""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from calve.core.errors import ProtocolError
from calve.transport.wire import WireOptions
from calve.transport.wire.frames import (
    VERSION,
    Cancel,
    Credit,
    End,
    Failure,
    Frame,
    GoAway,
    Hello,
    Item,
    Ping,
    Pong,
    Request,
    Response,
)
from calve.transport.wire.protocol import WireConnection
from calve.transport.wire.protocol_client import ClientConnection
from calve.transport.wire.protocol_server import ServerConnection

OPTIONS = WireOptions(frame_bytes_max=8192, calls_max=8, request_bytes_max=200_000)


class Quiet:
    """An output nobody sends."""

    def wake(self) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Nothing."""


SIDES: list[Callable[[], WireConnection]] = [
    lambda: ServerConnection(OPTIONS, Quiet()),
    lambda: ClientConnection(OPTIONS, Quiet()),
]
both_sides = pytest.mark.parametrize("make", SIDES, ids=["server", "client"])


def wire(*frames: Frame) -> bytes:
    """Frames as bytes."""
    encoded = [msgspec.msgpack.encode(frame) for frame in frames]
    return b"".join(struct.pack(">I", len(data)) + data for data in encoded)


def ready(make: Callable[[], WireConnection]) -> WireConnection:
    """A connection that has been greeted; a client also has calls 1 (one answer) and 2 (a stream) running."""
    connection = make()
    connection.receive(wire(Hello(VERSION, 8192, 8)))
    if isinstance(connection, ClientConnection):
        for window in (0, 3):
            connection.send_request(Request(connection.new_id(), "a/B/1.0/c", None, RAW, window=window))
    connection.take()
    return connection


def check_bounds(connection: WireConnection) -> None:
    """What a peer can make a connection hold."""
    assert connection.failure is None or isinstance(connection.failure, ProtocolError)
    assert len(connection._rest) <= OPTIONS.frame_bytes_max + 4
    assert connection.calls <= OPTIONS.calls_max
    assert connection.failure is None or not connection._rest


def feed(connection: WireConnection, data: bytes, cuts: list[int]) -> list[str]:
    """Deliver `data` in pieces; returns the frames in words, bodies included."""
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    frames: list[Any] = []
    for start, end in pairwise(edges):
        frames += connection.receive(data[start:end])
        check_bounds(connection)
    return [repr(msgspec.to_builtins(msgspec.structs.asdict(f), enc_hook=bytes)) for f in frames]


RAW: Any = "body"
ids = st.one_of(st.integers(-1, 6), st.integers(-(2**63), 2**64 - 1))
bodies: st.SearchStrategy[Any] = st.one_of(st.none(), st.integers(0, 9), st.binary(max_size=50), st.just(b"x" * 7000))
counts = st.one_of(st.integers(-1, 5), st.integers(-(2**63), 2**64 - 1))
hostile = st.one_of(
    st.builds(Hello, st.integers(0, 2), st.integers(0, 10_000), st.integers(-1, 9)),
    st.builds(Request, ids, st.text(max_size=20), st.none(), bodies, window=counts),
    st.builds(Response, ids, bodies),
    st.builds(Failure, ids, st.text(max_size=20)),
    st.builds(Cancel, ids),
    st.builds(Item, ids, bodies),
    st.builds(End, ids),
    st.builds(Credit, ids, counts),
    st.builds(Ping, counts),
    st.builds(Pong, counts),
    st.builds(GoAway, ids, st.text(max_size=20)),
)
cuts = st.lists(st.integers(0, 10_000), max_size=8)


@both_sides
@given(data=st.binary(max_size=300), cuts=cuts, greeted=st.booleans())
def test_random_bytes(make: Callable[[], WireConnection], data: bytes, cuts: list[int], greeted: bool) -> None:
    feed(ready(make) if greeted else make(), data, cuts)


@both_sides
@given(payloads=st.lists(st.binary(max_size=60), max_size=6), cuts=cuts)
def test_random_payloads_in_well_formed_frames(
    make: Callable[[], WireConnection], payloads: list[bytes], cuts: list[int]
) -> None:
    feed(ready(make), b"".join(struct.pack(">I", len(p)) + p for p in payloads), cuts)


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(), st.binary()),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=12,
)


@both_sides
@given(tag=st.integers(-1, 12), fields=st.lists(values, max_size=11), cuts=cuts)
def test_frames_of_the_wrong_types(
    make: Callable[[], WireConnection], tag: int, fields: list[Any], cuts: list[int]
) -> None:
    data = msgspec.msgpack.encode([tag, *fields])
    feed(ready(make), struct.pack(">I", len(data)) + data, cuts)


@both_sides
@settings(max_examples=300)
@given(frames=st.lists(hostile, max_size=12), cuts=cuts, greeted=st.booleans())
def test_hostile_frames_mean_the_same_however_they_are_cut(
    make: Callable[[], WireConnection], frames: list[Frame], cuts: list[int], greeted: bool
) -> None:
    data = wire(*frames)
    whole, cut = (ready(make) if greeted else make() for _ in range(2))
    assert feed(whole, data, []) == feed(cut, data, cuts)
    assert str(whole.failure) == str(cut.failure)
    assert whole.take() == cut.take()


@both_sides
@given(frames=st.lists(hostile, min_size=1, max_size=6), missing=st.integers(1, 40))
def test_a_truncated_frame_is_waited_for(make: Callable[[], WireConnection], frames: list[Frame], missing: int) -> None:
    data = wire(*frames)
    whole, cut = ready(make), ready(make)
    before, rest = data[:-missing], data[-missing:]
    first = feed(cut, before, []) if before else []
    assert first + feed(cut, rest, []) == feed(whole, data, [])


def test_every_single_cut_of_a_conversation() -> None:
    data = wire(
        Request(1, "a/B/1.0/c", 5, RAW),
        Request(2, "a/B/1.0/c", 5, RAW, window=3),
        Credit(2, 4),
        Ping(1),
        Cancel(1),
        Cancel(2),
    )
    expected = feed(ready(SIDES[0]), data, [])
    assert len(expected) == 5
    for cut in range(len(data)):
        assert feed(ready(SIDES[0]), data, [cut]) == expected
    assert feed(ready(SIDES[0]), data, list(range(len(data)))) == expected


@both_sides
@given(size=st.integers(8193, 2**32 - 1), head=st.binary(max_size=30))
def test_an_oversized_frame_ends_the_connection_before_it_is_there(
    make: Callable[[], WireConnection], size: int, head: bytes
) -> None:
    connection = ready(make)
    feed(connection, struct.pack(">I", size) + head, [])
    assert f"frame of {size} bytes, the limit is 8192" in str(connection.failure)


@pytest.mark.parametrize(
    "data",
    [
        b"\x93\x01" + b"\x91" * 8000,  # nested beyond any stack
        b"\x95\x01\x01\xa1t\xc0\xdd\xff\xff\xff\xff",  # a body that claims four billion elements
        b"\x9b\x01\x01\xa1t\xc0\xc0\xc0\xc0\xa0\xc0\xdd\xff\xff\xff\xff",  # roles that do
        b"\x95\x01\x01\xdb\xff\xff\xff\xffabc",  # a target that claims four gigabytes
        b"\x95\x01\x01\xa1t\xc0\xc9\xff\xff\xff\xff\x01",  # an extension that does
        b"\x95\x01\x01\xa2\xff\xfe\xc0\xc0",  # text that is no UTF-8
    ],
)
def test_bombs(data: bytes) -> None:
    connection = ready(SIDES[0])
    assert feed(connection, struct.pack(">I", len(data)) + data, []) == []
    assert connection.failure is not None


class Conversation(RuleBasedStateMachine):
    """A well-behaved client and server with delays between them: neither ever finds fault with the other."""

    def __init__(self) -> None:
        super().__init__()
        self.client, self.server = ClientConnection(OPTIONS, Quiet()), ServerConnection(OPTIONS, Quiet())
        self.to_server, self.to_client = bytearray(), bytearray()
        self.serving: dict[int, int] = {}
        self.waiting: dict[int, int] = {}
        self.taken: dict[int, int] = {}
        self.pump(4096, 4096)
        self.pump(4096, 4096)

    @rule(there=st.integers(1, 400), back=st.integers(1, 400))
    def pump(self, there: int, back: int) -> None:
        """Let some bytes arrive on either side."""
        self.to_server += self.client.take()
        self.to_client += self.server.take()
        data, self.to_server = bytes(self.to_server[:there]), self.to_server[there:]
        for frame in self.server.receive(data):
            if isinstance(frame, Request):
                self.serving[frame.id] = frame.window
        data, self.to_client = bytes(self.to_client[:back]), self.to_client[back:]
        for answer in self.client.receive(data):
            if isinstance(answer, Item):
                assert self.waiting[answer.id]
                self.taken[answer.id] += 1
            elif isinstance(answer, Response | Failure | End):
                del self.waiting[answer.id]

    @precondition(lambda self: self.client.peer is not None)
    @rule(window=st.integers(0, 4))
    def call(self, window: int) -> None:
        """Begin a call."""
        call_id = self.client.new_id()
        self.client.send_request(Request(call_id, "a/B/1.0/c", None, RAW, window=window))
        self.waiting[call_id], self.taken[call_id] = window, 0

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Give a call up."""
        if self.waiting:
            call_id = data.draw(st.sampled_from(sorted(self.waiting)))
            self.client.send_cancel(call_id)
            del self.waiting[call_id]

    @rule(data=st.data(), items=st.integers(1, 3))
    def credit(self, data: st.DataObject, items: int) -> None:
        """Take more items."""
        streams = sorted(call_id for call_id, window in self.waiting.items() if window)
        if streams:
            self.client.send_credit(data.draw(st.sampled_from(streams)), items)

    @rule(data=st.data(), how=st.sampled_from(["answer", "fail", "item"]))
    def serve(self, data: st.DataObject, how: str) -> None:
        """Go on with a call on the server."""
        if not self.serving:
            return
        call_id = data.draw(st.sampled_from(sorted(self.serving)))
        window = self.serving[call_id]
        if how == "item" and window:
            if self.server.credit(call_id):
                self.server.send_item(call_id, "item")
            return
        del self.serving[call_id]
        if how == "fail":
            self.server.send_failure(Failure(call_id, "internal_error"))
        elif window:
            self.server.send_end(call_id)
        else:
            self.server.send_response(call_id, "answer")

    @rule()
    def ping(self) -> None:
        """Ask for signs of life."""
        self.client.ping()
        self.server.ping()

    @invariant()
    def no_fault(self) -> None:
        """Neither side has found fault."""
        assert self.client.failure is None
        assert self.server.failure is None
        assert self.client.calls == len(self.waiting)
        assert self.server.calls == len(self.serving)

    def teardown(self) -> None:
        """Once everything has been served, nothing is left anywhere."""
        for _ in range(10_000):
            if not (self.to_server or self.to_client or self.client.out or self.server.out or self.serving):
                break
            self.pump(8192, 8192)
            for call_id in list(self.serving):
                del self.serving[call_id]
                self.server.send_failure(Failure(call_id, "internal_error"))
        self.no_fault()
        assert not self.waiting
        assert not self.client._rest
        assert not self.server._rest
        assert not self.server._large


TestConversation = Conversation.TestCase
