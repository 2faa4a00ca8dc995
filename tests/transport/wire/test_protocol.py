"""The rules of the protocol, one by one, without any I/O."""

from __future__ import annotations

import struct
from typing import Any

import msgspec
import pytest

from calve.core.errors import InvalidArgument, ProtocolError
from calve.transport.wire import WireOptions
from calve.transport.wire.errors import FrameTooLarge, VersionMismatch
from calve.transport.wire.frames import (
    VERSION,
    AnyFrame,
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
from calve.transport.wire.protocol import BURST_BYTES, BURST_FRAMES, CREDIT_MAX, WireConnection
from calve.transport.wire.protocol_client import ClientConnection
from calve.transport.wire.protocol_server import ServerConnection

RAW: Any = "body"
HELLO = Hello(VERSION, 1 << 20, 100, "test")


class Output:
    """Counts what the connection asks for."""

    def __init__(self) -> None:
        self.wakes = self.flushes = 0

    def wake(self) -> None:
        """Asked to send soon."""
        self.wakes += 1

    def flush(self) -> None:
        """Asked to send now."""
        self.flushes += 1


def wire(*frames: Frame) -> bytes:
    """Frames as bytes."""
    encoded = [msgspec.msgpack.encode(frame) for frame in frames]
    return b"".join(struct.pack(">I", len(data)) + data for data in encoded)


def sent(connection: WireConnection) -> list[AnyFrame]:
    """What a connection has written since the last look."""
    data, frames = bytes(connection.take()), []
    while data:
        (size,) = struct.unpack_from(">I", data)
        frames.append(msgspec.msgpack.decode(data[4 : 4 + size], type=AnyFrame))
        data = data[4 + size :]
    return frames


def server(options: WireOptions | None = None) -> ServerConnection:
    """A server that has been greeted."""
    connection = ServerConnection(options or WireOptions(), Output())
    connection.receive(wire(HELLO))
    connection.take()
    return connection


def client(options: WireOptions | None = None) -> ClientConnection:
    """A client that has been greeted."""
    connection = ClientConnection(options or WireOptions(), Output())
    connection.receive(wire(HELLO))
    connection.take()
    return connection


def request(connection: ClientConnection, window: int = 0) -> int:
    """Begin a call."""
    call_id = connection.new_id()
    connection.send_request(Request(call_id, "a/B/1.0/c", 1000, RAW, window=window))
    return call_id


def test_both_sides_say_hello_first() -> None:
    options = WireOptions(frame_bytes_max=5000, calls_max=7)
    assert sent(ServerConnection(options, Output(), software="s 1")) == [Hello(VERSION, 5000, 7, "s 1")]
    assert sent(ClientConnection(options, Output(), software="c 1")) == [Hello(VERSION, 5000, 0, "c 1")]


def test_the_layout_on_the_wire() -> None:
    connection = client()
    call_id = connection.new_id()
    connection.send_request(Request(call_id, "a/B/1.0/c", 1000, {"x": 1}, key="k"))  # type: ignore[arg-type]
    data = bytes(connection.take())
    assert struct.unpack_from(">I", data)[0] == len(data) - 4
    assert msgspec.msgpack.decode(data[4:]) == [1, 1, "a/B/1.0/c", 1000, {"x": 1}, "k", None, "", None, [], 0, ""]


def test_hello_of_another_version_names_both() -> None:
    connection = ServerConnection(WireOptions(), Output())
    assert connection.receive(wire(Hello(VERSION + 1, 1 << 20, 0, "calve 9.1"))) == []
    assert isinstance(connection.failure, VersionMismatch)
    assert str(connection.failure).startswith(
        "the peer (calve 9.1) speaks version 2 of the wire protocol, this side version 1"
    )


def test_fields_of_a_younger_peer_are_ignored() -> None:
    connection = server()
    data = msgspec.msgpack.encode([1, 1, "a/B/1.0/c", 5, None, "k", None, "", None, [], 0, "what is this", 42])
    (frame,) = connection.receive(struct.pack(">I", len(data)) + data)
    assert isinstance(frame, Request)
    assert connection.failure is None


def test_fields_that_an_older_peer_lacks_have_defaults() -> None:
    connection = server()
    data = msgspec.msgpack.encode([1, 1, "a/B/1.0/c", 5, None])
    (frame,) = connection.receive(struct.pack(">I", len(data)) + data)
    assert isinstance(frame, Request)
    assert (frame.key, frame.window, frame.roles) == (None, 0, frozenset())


@pytest.mark.parametrize(
    "frame",
    [Request(1, "t", None, RAW), Cancel(1), Ping(1), GoAway(0), Response(1, RAW)],
    ids=lambda f: type(f).__name__,
)
def test_anything_before_hello_is_a_failure(frame: Frame) -> None:
    connection = ServerConnection(WireOptions(), Output())
    assert connection.receive(wire(frame, HELLO)) == []
    assert "before its hello" in str(connection.failure)


@pytest.mark.parametrize("hello", [Hello(VERSION, 10, 1), Hello(VERSION, 1 << 20, -1)])
def test_impossible_bounds_are_a_failure(hello: Hello) -> None:
    connection = ClientConnection(WireOptions(), Output())
    connection.receive(wire(hello))
    assert "impossible bounds" in str(connection.failure)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"GET / HTTP/1.1\r\n", "speaks HTTP"),
        (b"\x16\x03\x01\x02\x00", "speaks TLS"),
        (b"\x00\x00\x20\x00", "frame of 8192 bytes, the limit is 4096"),
    ],
)
def test_strangers_are_told_apart(head: bytes, expected: str) -> None:
    connection = ServerConnection(WireOptions(), Output())
    connection.receive(head)
    assert expected in str(connection.failure)


SERVER_ONLY = [Response(1, RAW), Failure(1, "x"), Item(1, RAW), End(1)]
CLIENT_ONLY = [Request(1, "t", None, RAW), Cancel(1), Credit(1, 1)]


@pytest.mark.parametrize("frame", [*SERVER_ONLY, HELLO], ids=lambda f: type(f).__name__)
def test_what_a_server_never_receives(frame: Frame) -> None:
    connection = server()
    assert connection.receive(wire(frame)) == []
    assert "may not do towards a server" in str(connection.failure)


@pytest.mark.parametrize("frame", [*CLIENT_ONLY, HELLO], ids=lambda f: type(f).__name__)
def test_what_a_client_never_receives(frame: Frame) -> None:
    connection = client()
    request(connection)
    assert connection.receive(wire(frame)) == []
    assert "may not do towards a client" in str(connection.failure)


@pytest.mark.parametrize("frame", [Cancel(1), Credit(1, 1), Cancel(0), Cancel(-1)])
def test_a_server_takes_no_frame_for_a_call_that_never_was(frame: Frame) -> None:
    connection = server()
    connection.receive(wire(frame))
    assert "never was" in str(connection.failure)


@pytest.mark.parametrize("frame", [Response(1, RAW), Failure(1, "x"), Item(1, RAW), End(1), Response(0, RAW)])
def test_a_client_takes_no_frame_for_a_call_that_never_was(frame: Frame) -> None:
    connection = client()
    connection.receive(wire(frame))
    assert "never was" in str(connection.failure)


@pytest.mark.parametrize("second", [1, 0, -5])
def test_ids_have_to_grow(second: int) -> None:
    connection = server()
    connection.receive(wire(Request(1, "t", None, RAW), Request(second, "t", None, RAW)))
    assert "ids must grow" in str(connection.failure)


def test_what_came_before_a_failure_is_still_delivered() -> None:
    connection = server()
    frames = connection.receive(wire(Request(1, "t", None, RAW)) + b"\xff\xff\xff\xff")
    assert len(frames) == 1
    assert isinstance(connection.failure, ProtocolError)
    assert connection.receive(wire(Request(2, "t", None, RAW))) == [], "and nothing after it"


def test_an_answer_ends_a_call() -> None:
    connection = client()
    call_id = request(connection)
    assert connection.calls == 1
    (frame,) = connection.receive(wire(Response(call_id, RAW)))
    assert isinstance(frame, Response)
    assert connection.calls == 0
    assert connection.receive(wire(Response(call_id, RAW), Item(call_id, RAW), End(call_id))) == []
    assert connection.failure is None, "late frames for a call that is over are ignored"


def test_nothing_is_delivered_of_a_cancelled_call() -> None:
    connection = client()
    call_id = request(connection, window=4)
    connection.send_cancel(call_id)
    connection.send_cancel(call_id)
    assert [type(frame) for frame in sent(connection)] == [Request, Cancel]
    assert connection.receive(wire(Item(call_id, RAW), Failure(call_id, "cancelled"))) == []
    assert connection.failure is None


@pytest.mark.parametrize("frame", [Item(1, RAW), End(1)])
def test_a_call_with_one_answer_has_no_items(frame: Frame) -> None:
    connection = client()
    request(connection)
    connection.receive(wire(frame))
    assert "not a stream" in str(connection.failure)


def test_a_stream_has_no_response() -> None:
    connection = client()
    request(connection, window=1)
    connection.receive(wire(Response(1, RAW)))
    assert "is a stream" in str(connection.failure)


def test_items_beyond_the_credit_are_a_failure() -> None:
    connection = client()
    request(connection, window=2)
    assert len(connection.receive(wire(Item(1, RAW), Item(1, RAW)))) == 2
    connection.send_credit(1, 1)
    assert len(connection.receive(wire(Item(1, RAW)))) == 1
    connection.receive(wire(Item(1, RAW)))
    assert "no credit left" in str(connection.failure)


def test_a_server_sends_as_many_items_as_it_has_credit() -> None:
    connection = server()
    connection.receive(wire(Request(1, "t", None, RAW, window=1)))
    assert connection.credit(1) == 1
    connection.send_item(1, "a")
    assert connection.credit(1) == 0
    (frame,) = connection.receive(wire(Credit(1, 5)))
    assert isinstance(frame, Credit)
    assert connection.credit(1) == 5
    connection.send_end(1)
    assert connection.calls == connection.credit(1) == 0
    assert [type(frame) for frame in sent(connection)] == [Item, End]


@pytest.mark.parametrize("items", [0, -1, CREDIT_MAX, 2**62])
def test_credit_has_its_bounds(items: int) -> None:
    connection = server()
    connection.receive(wire(Request(1, "t", None, RAW, window=1), Credit(1, items)))
    assert "credit" in str(connection.failure)


def test_a_call_with_one_answer_takes_no_credit() -> None:
    connection = server()
    connection.receive(wire(Request(1, "t", None, RAW), Credit(1, 1)))
    assert "not a stream" in str(connection.failure)


@pytest.mark.parametrize("window", [-1, CREDIT_MAX + 1])
def test_a_window_has_its_bounds(window: int) -> None:
    connection = server()
    connection.receive(wire(Request(1, "t", None, RAW, window=window)))
    assert "window" in str(connection.failure)


def test_a_cancelled_call_counts_until_its_work_has_ended() -> None:
    connection = server(WireOptions(calls_max=1))
    connection.receive(wire(Request(1, "t", None, RAW)))
    (frame,) = connection.receive(wire(Cancel(1), Cancel(1)))
    assert isinstance(frame, Cancel)
    assert connection.receive(wire(Request(2, "t", None, RAW))) == []
    assert sent(connection) == [
        Failure(2, "overloaded", "too many calls in flight on this connection (calls_max = 1)", False)
    ]
    connection.send_response(1, "nobody wants it")
    assert sent(connection) == []
    assert len(connection.receive(wire(Request(3, "t", None, RAW)))) == 1


def test_a_cancelled_stream_takes_no_more_credit() -> None:
    connection = server()
    connection.receive(wire(Request(1, "t", None, RAW, window=1), Cancel(1)))
    assert connection.receive(wire(Credit(1, 5))) == []
    assert connection.failure is None
    assert connection.credit(1) == 0
    assert connection.cancelled(1)


def test_bytes_in_flight_are_bounded() -> None:
    connection = server(WireOptions(request_bytes_max=150_000))
    large: Any = b"x" * 100_000
    assert len(connection.receive(wire(Request(1, "t", None, large)))) == 1
    assert connection.receive(wire(Request(2, "t", None, large))) == []
    (refused,) = sent(connection)
    assert isinstance(refused, Failure)
    assert (refused.code, refused.may_have_run) == ("overloaded", False)
    connection.send_failure(Failure(1, "internal_error"))
    assert len(connection.receive(wire(Request(3, "t", None, large)))) == 1


def test_after_goaway_calls_are_refused_and_running_ones_answered() -> None:
    connection = server()
    connection.receive(wire(Request(1, "t", None, RAW)))
    connection.go_away("stopping")
    assert connection.receive(wire(Request(2, "t", None, RAW))) == []
    connection.send_response(1, "x")
    goaway, refused, answer = sent(connection)
    assert goaway == GoAway(1, "stopping")
    assert isinstance(refused, Failure)
    assert (refused.code, refused.may_have_run) == ("unavailable", False)
    assert isinstance(answer, Response)


def test_ping_is_answered() -> None:
    connection = server()
    assert connection.receive(wire(Ping(42), Pong(1))) == []
    assert sent(connection) == [Pong(42)]
    connection.ping()
    assert [type(frame) for frame in sent(connection)] == [Ping]


def test_a_frame_beyond_the_peers_limit_is_not_sent() -> None:
    connection = ClientConnection(WireOptions(), Output())
    connection.receive(wire(Hello(VERSION, 5000, 1)))
    connection.take()
    call_id = connection.new_id()
    with pytest.raises(FrameTooLarge, match=r"takes 60.. bytes on the wire, the limit is 5000") as caught:
        connection.send_request(Request(call_id, "t", None, b"x" * 6000))  # type: ignore[arg-type]
    assert caught.value.limit == 5000
    assert (connection.calls, sent(connection)) == (0, [])


def test_a_value_that_cannot_be_encoded_leaves_no_trace() -> None:
    connection = client()
    request(connection)
    with pytest.raises(InvalidArgument):
        connection.send_request(Request(connection.new_id(), "t", None, [1, 2, object()]))  # type: ignore[arg-type]
    request(connection)
    assert [frame.id for frame in sent(connection) if isinstance(frame, Request)] == [1, 3]
    assert connection.calls == 2


def test_its_owner_is_woken_once_and_told_to_flush_when_enough_is_there() -> None:
    output = Output()
    connection = ServerConnection(WireOptions(), output)
    connection.receive(wire(HELLO))
    for n in range(1, BURST_FRAMES):
        connection.receive(wire(Ping(n)))
        assert (output.wakes, output.flushes) == (1, int(n + 1 == BURST_FRAMES))
    connection.take()
    connection.receive(wire(Request(1, "t", None, RAW)))
    connection.send_response(1, b"x" * BURST_BYTES)
    assert (output.wakes, output.flushes) == (2, 2)
