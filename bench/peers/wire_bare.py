"""The limit: the least that framed MessagePack calls over asyncio can cost in this language.

An `asyncio.Protocol` on uvloop, 4-byte length prefix, (id, body) in one MessagePack array, the handler run at once
inside `data_received`, writes coalesced per turn of the loop. No envelope, no deadline, no cancellation, no bounds, no
errors: whatever is more than this is the price of being usable.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from typing import Any, cast

import msgspec

from ..messages import ANSWER, REQUEST, Answer, Debit, connect_socket, listen_socket

_LENGTH = struct.Struct(">I")


class _Request(msgspec.Struct, array_like=True, gc=False):
    id: int
    body: Debit


class _Response(msgspec.Struct, array_like=True, gc=False):
    id: int
    body: Answer


class _Framed(asyncio.Protocol):
    """Cuts frames and coalesces writes."""

    def __init__(self, kind: type[Any]) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._rest = b""
        self._out: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        position, end = 0, len(data)
        while end - position >= 4:
            (size,) = _LENGTH.unpack_from(data, position)
            stop = position + 4 + size
            if stop > end:
                break
            self.on_frame(self._decode(data[position + 4 : stop]))
            position = stop
        self._rest = data[position:]

    def on_frame(self, frame: Any) -> None:
        raise NotImplementedError

    def send(self, frame: Any) -> None:
        if not self._out:
            self._loop.call_soon(self._flush)
        data = self._encode(frame)
        self._out.append(_LENGTH.pack(len(data)))
        self._out.append(data)

    def _flush(self) -> None:
        self.transport.write(b"".join(self._out))
        self._out.clear()


async def _debit(request: Debit) -> Answer:
    return ANSWER


class _Server(_Framed):
    def __init__(self) -> None:
        super().__init__(_Request)

    def on_frame(self, frame: Any) -> None:
        try:
            _debit(frame.body).send(None)
        except StopIteration as stop:
            self.send(_Response(frame.id, stop.value))


class _Client(_Framed):
    def __init__(self) -> None:
        super().__init__(_Response)
        self._last_id = 0
        self._waiting: dict[int, asyncio.Future[Answer]] = {}

    def on_frame(self, frame: Any) -> None:
        self._waiting.pop(frame.id).set_result(frame.body)

    async def call(self) -> Answer:
        self._last_id += 1
        waiting = self._waiting[self._last_id] = self._loop.create_future()
        self.send(_Request(self._last_id, REQUEST))
        answer: Answer = await waiting
        return answer


async def serve(address: str, ready: Callable[[str], None]) -> None:
    """Serve until cancelled."""
    server, bound = await listen_socket(address, _Server)
    ready(bound)
    await server.serve_forever()


async def connect(address: str) -> Callable[[], Any]:
    """One call per await."""
    protocol = await connect_socket(address, _Client)
    return protocol.call
