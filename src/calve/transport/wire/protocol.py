"""The wire protocol without any I/O: bytes in, frames out, and the rules between them.

    on the wire      0        4                       4 + size
                     +--------+--------------------------+
                     |  size  |  MessagePack array       |  next frame …      size: unsigned, big endian, without itself
                     +--------+--------------------------+                    frames: see frames.py

    connection       may receive                                             then
    GREETING         hello of the same version                               OPEN
    OPEN, server     request · cancel · credit · ping · pong · goaway        OPEN
    OPEN, client     response · error · item · end · ping · pong · goaway    OPEN
    anything else, at any time (a `failure`)                                 CLOSED: nothing is read any more

    call             server receives            client receives
    (new id)         request      -> RUNNING    anything                     failure: ids are given by the client
    RUNNING, unary   cancel       -> CANCELLED  response, error  -> (over)
                     credit       failure       item, end        failure
    RUNNING, stream  cancel       -> CANCELLED  item, with credit: one less; without: failure
                     credit       more items    end, error       -> (over)   · response: failure
    CANCELLED        cancel, credit: ignored    (a client that cancels is done with the call)
    (over)           cancel, credit: ignored    anything: ignored (it crossed our cancel)

Ids only ever grow on a connection, so an id is new, running or over by comparing it with the last one and looking into
the table of running calls; nothing is remembered about calls that are over. What a peer can make us hold is bounded:
one unfinished frame of at most `frame_bytes_max` bytes, `calls_max` calls, `request_bytes_max` bytes of requests,
`window` items per stream.

Everything written is appended to one buffer. Its owner is woken when it stops being empty, so as to send all that comes
together within one turn of its loop in one write, and told to flush when `BURST_FRAMES` have come together: a peer on
another core then works on the first ones while this side still makes the others, which halves the latency under load.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, TypeAlias

import msgspec

from ...core.codec import invalid_argument
from ...core.errors import ProtocolError
from .base import WireOptions
from .errors import FrameTooLarge, VersionMismatch
from .frames import (
    VERSION,
    AnyFrame,
    Frame,
    GoAway,
    Hello,
    Ping,
    Pong,
    decode_frame,
    encode_into,
)

HELLO_BYTES_MAX = 4096
"""No frame may be larger before the peer has said who it is."""
CREDIT_MAX = 2**31 - 1
"""Most items a stream can have credit for."""
BURST_FRAMES = 16
"""Frames that are sent together at most. Small enough to keep two cores busy, large enough to share a system call."""
BURST_BYTES = 65536
"""Bytes that are sent together at most, but for the last frame; so that a full socket is noticed early."""
LARGE_BYTES = 65536
"""Requests from this size on count towards `request_bytes_max`; smaller ones are bounded by `calls_max`."""
UNARY = -1
"""State of a running call with one answer; the state of a stream is its credit."""
CANCELLED = -2
"""State of a call on the server that was cancelled but still has something working on it."""

_LENGTH = struct.Struct(">I")
_read_length, _write_length = _LENGTH.unpack_from, _LENGTH.pack_into
_NO_LENGTH = bytes(_LENGTH.size)

Rule: TypeAlias = "Callable[[Any, Any, int], bool]"
"""`rule(connection, frame, size)`: whether the frame is handed on to whoever does the I/O."""


class Output(Protocol):
    """Who sends what a connection writes."""

    def wake(self) -> None:
        """There is something to `take`; do so soon."""
        ...

    def flush(self) -> None:
        """There is enough to `take` now."""
        ...


class WireConnection:
    """What both sides have in common; see `ClientConnection` and `ServerConnection` in the modules beside this one.

    Args:
        options: Bounds of this side.
        software: Name and version for the peer's error messages.
        output: Sends what is written.
    """

    role: ClassVar[str]
    _OPEN: ClassVar[Mapping[type[Frame], Rule]]

    def __init__(self, options: WireOptions, output: Output, *, software: str = "") -> None:
        self.options = options
        self.out = bytearray()
        """Bytes to send; see `take`."""
        self.failure: ProtocolError | None = None
        """Why this connection is CLOSED; the rest of the input is ignored."""
        self.peer: Hello | None = None
        """What the peer announced; None while GREETING."""
        self._output = output
        self._unsent = 0
        self._rest = bytearray()
        self._wanted = 0
        self._limit = min(HELLO_BYTES_MAX, options.frame_bytes_max)
        self._rules = _GREETING
        self._calls: dict[int, int] = {}
        self._last_id = 0
        self._goaway = False
        calls_max = options.calls_max if self.role == "server" else 0
        self._append(Hello(VERSION, options.frame_bytes_max, calls_max, software), HELLO_BYTES_MAX)

    @property
    def calls(self) -> int:
        """Number of running calls."""
        return len(self._calls)

    @property
    def last_id(self) -> int:
        """The highest id used so far; 0 before the first call."""
        return self._last_id

    def receive(self, data: bytes) -> list[AnyFrame]:
        """Take bytes as they come from the network, in pieces of any size.

        Returns: the frames that whoever does the I/O has to act on, in order. Look at `failure` afterwards.
        """
        frames: list[AnyFrame] = []
        if self.failure is not None:
            return frames
        if self._rest:
            self._rest += data
            if len(self._rest) < self._wanted:
                return frames
            data = bytes(self._rest)
            self._rest.clear()
        position, end = 0, len(data)
        while end - position >= 4:
            (size,) = _read_length(data, position)
            if size > self._limit:
                self._fail(_too_large(data, position, size, self._limit, greeted=self.peer is not None))
                return frames
            stop = position + 4 + size
            if stop > end:
                self._wanted = 4 + size
                break
            try:
                frame = decode_frame(data[position + 4 : stop])
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                self._fail(ProtocolError(f"the peer sent what is no frame: {error}"))
                return frames
            position = stop
            rule = self._rules.get(type(frame))
            if rule is None:
                self._fail(ProtocolError(f"the peer sent a {_name(frame)} frame, which it may not do {self._state()}"))
                return frames
            if rule(self, frame, size):
                frames.append(frame)
            elif self.failure is not None:
                return frames
        else:
            self._wanted = 4
        if position < end:
            self._rest += data[position:] if position else data
        return frames

    def take(self) -> bytearray:
        """Everything to be sent by now; the buffer is the caller's from here on."""
        out, self.out = self.out, bytearray()
        self._unsent = 0
        return out

    def ping(self) -> None:
        """Ask for a sign of life; any frame of the peer is one."""
        self._append(Ping(self._last_id), HELLO_BYTES_MAX)

    def go_away(self, reason: str) -> None:
        """Announce that no further call is taken here; a client says it only to explain that it hangs up."""
        self._goaway = True
        self._append(GoAway(self._last_id, reason[:1000]), HELLO_BYTES_MAX)

    def _append(self, frame: Frame, limit: int) -> None:
        """Encode a frame at the end of `out`; on any error `out` is as before."""
        out = self.out
        start = len(out)
        out += _NO_LENGTH
        try:
            encode_into(frame, out, start + 4)
        except Exception as error:  # whatever a value's own serialiser raises, as in `Codec.encode`
            del out[start:]
            raise invalid_argument(error) from error
        size = len(out) - start - 4
        if size > limit:
            del out[start:]
            raise FrameTooLarge(size, limit)
        _write_length(out, start, size)
        self._unsent += 1
        if self._unsent == 1:
            self._output.wake()
        if self._unsent >= BURST_FRAMES or start + size >= BURST_BYTES:
            self._output.flush()

    def _fail(self, error: ProtocolError) -> bool:
        self.failure = error
        self._rest.clear()
        return False

    def _state(self) -> str:
        return "before its hello" if self.peer is None else f"towards a {self.role}"

    def _stray(self, frame: Any) -> bool:
        """A frame for a call that is not running: ignored when the call is over, a failure when it never was."""
        if not 0 < frame.id <= self._last_id:
            self._fail(ProtocolError(f"the peer sent a {_name(frame)} frame for call {frame.id}, which never was"))
        return False

    def _on_hello(self, hello: Hello, size: int) -> bool:
        if hello.version != VERSION:
            who = f"the peer ({hello.software[:100]})" if hello.software else "the peer"
            text = f"{who} speaks version {hello.version} of the wire protocol, this side version {VERSION}"
            return self._fail(VersionMismatch(f"{text}; run both with the same major version of Calve"))
        if hello.frame_bytes_max < HELLO_BYTES_MAX or hello.calls_max < 0:
            bounds = f"frame_bytes_max={hello.frame_bytes_max}, calls_max={hello.calls_max}"
            return self._fail(ProtocolError(f"the peer announced impossible bounds: {bounds}"))
        self.peer = hello
        self._limit = self.options.frame_bytes_max
        self._rules = self._OPEN
        return True

    def _on_ping(self, ping: Ping, size: int) -> bool:
        self._append(Pong(ping.nonce), HELLO_BYTES_MAX)
        return False

    def _on_pong(self, pong: Pong, size: int) -> bool:
        return False

    def _on_goaway(self, goaway: GoAway, size: int) -> bool:
        return True


_GREETING: Mapping[type[Frame], Rule] = {Hello: WireConnection._on_hello}
BOTH_SIDES: Mapping[type[Frame], Rule] = {
    Ping: WireConnection._on_ping,
    Pong: WireConnection._on_pong,
    GoAway: WireConnection._on_goaway,
}


def _name(frame: AnyFrame) -> str:
    return type(frame).__name__.lower()


def _too_large(data: bytes, position: int, size: int, limit: int, *, greeted: bool) -> ProtocolError:
    """An oversized first frame is nearly always somebody who speaks something else; say what it looks like."""
    head = data[position : position + 4]
    if not greeted and head[:2] == b"\x16\x03":
        return ProtocolError("the peer speaks TLS to a plain port; use the same scheme on both sides")
    if not greeted and head in (b"GET ", b"POST", b"HEAD", b"PUT ", b"OPTI", b"PRI ", b"HTTP"):
        return ProtocolError("the peer speaks HTTP; this port is for the native wire only")
    return ProtocolError(f"the peer sent a frame of {size} bytes, the limit is {limit}")
