"""A coverage-guided fuzzer over the sans-IO half of the wire.

    python tests/fuzz/fuzz_wire.py                       until stopped, or until it finds something
    python tests/fuzz/fuzz_wire.py -runs=20000 corpus/   libFuzzer's own options; a corpus to start from and to keep

The first byte chooses the side and whether it has been greeted; what follows is a series of pieces, each either raw
bytes or a frame whose fields the fuzzer chooses, so that it gets past the length prefix and MessagePack into the rules.
A find is any exception, a failure that is no ProtocolError, or more being held than the bounds allow.
"""

from __future__ import annotations

import struct
import sys

import atheris

with atheris.instrument_imports(include=["calve.transport.wire"]):
    from calve.core.errors import ProtocolError
    from calve.transport.wire import WireOptions
    from calve.transport.wire.frames import VERSION, Failure, Hello, Request
    from calve.transport.wire.protocol import WireConnection
    from calve.transport.wire.protocol_client import ClientConnection
    from calve.transport.wire.protocol_server import ServerConnection

import msgspec

OPTIONS = WireOptions(frame_bytes_max=8192, calls_max=8, request_bytes_max=100_000)
FIELDS_MAX = 13


class Quiet:
    """An output nobody sends."""

    def wake(self) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Nothing."""


def framed(data: bytes) -> bytes:
    """One frame with this content."""
    return struct.pack(">I", len(data)) + data


def start(greeted: bool, serving: bool) -> WireConnection:
    """A side of a connection; a greeted client has a call and a stream running."""
    side: WireConnection = ServerConnection(OPTIONS, Quiet()) if serving else ClientConnection(OPTIONS, Quiet())
    if greeted:
        side.receive(framed(msgspec.msgpack.encode(Hello(VERSION, 8192, 8))))
        if isinstance(side, ClientConnection):
            for window in (0, 3):
                body: msgspec.Raw = msgspec.Raw(b"\xc0")
                side.send_request(Request(side.new_id(), "a/B/1.0/c", None, body, window=window))
    side.take()
    return side


def field(given: atheris.FuzzedDataProvider) -> object:
    """One field of a frame."""
    match given.ConsumeIntInRange(0, 5):
        case 0:
            return given.ConsumeIntInRange(-1, 6)
        case 1:
            return given.ConsumeIntInRange(-(2**63), 2**64 - 1)
        case 2:
            return given.ConsumeUnicodeNoSurrogates(8)
        case 3:
            return given.ConsumeBytes(8)
        case 4:
            return [given.ConsumeUnicodeNoSurrogates(3)]
        case _:
            return None


def piece(given: atheris.FuzzedDataProvider) -> bytes:
    """Raw bytes, a frame with raw content, or a frame with chosen fields."""
    match given.ConsumeIntInRange(0, 3):
        case 0:
            return bytes(given.ConsumeBytes(given.ConsumeIntInRange(0, 20)))
        case 1:
            return framed(bytes(given.ConsumeBytes(given.ConsumeIntInRange(0, 40))))
        case _:
            tag = given.ConsumeIntInRange(-1, 12)
            fields = [field(given) for _ in range(given.ConsumeIntInRange(0, FIELDS_MAX))]
            return framed(msgspec.msgpack.encode([tag, *fields]))


def one_input(data: bytes) -> None:
    """What libFuzzer calls."""
    given = atheris.FuzzedDataProvider(data)
    side = start(given.ConsumeBool(), given.ConsumeBool())
    running: list[int] = []
    while given.remaining_bytes() and side.failure is None:
        for frame in side.receive(piece(given)):
            if isinstance(frame, Request):
                running.append(frame.id)
        if running and isinstance(side, ServerConnection) and given.ConsumeBool():
            side.send_failure(Failure(running.pop(), "internal_error"))
        assert len(side._rest) <= OPTIONS.frame_bytes_max + 4
        assert side.calls <= OPTIONS.calls_max
    assert side.failure is None or isinstance(side.failure, ProtocolError)
    if isinstance(side, ServerConnection):
        assert side.calls == len(running)
        assert side._held <= OPTIONS.request_bytes_max


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
