"""A name server on a free port of this machine, for tests: real messages over UDP and TCP, and whatever goes wrong."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

UDP_BYTES_MAX = 1232

Garble = Callable[[bytes], bytes | None]


class NameServer:
    """Answers from `records`.

    Attributes:
        records: (name with its final dot, type) -> (TTL, texts of its records).
        rcode: Said to every question unless NOERROR.
        garble: Makes something else of every answer; None as its result is silence.
        questions: What was asked so far, as `udp A money.test.`.
    """

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], tuple[int, list[str]]] = {}
        self.rcode = dns.rcode.NOERROR
        self.garble: Garble = lambda wire: wire
        self.questions: list[str] = []
        self.port = 0

    def answer(self, question: bytes, over: str) -> bytes | None:
        """The bytes to send back; None is silence."""
        query = dns.message.from_wire(question)
        response = dns.message.make_response(query)
        (asked,) = query.question
        name, kind = asked.name.to_text(), dns.rdatatype.to_text(asked.rdtype)
        self.questions.append(f"{over} {kind} {name}")
        known = {owner for owner, _ in self.records}
        response.set_rcode(self.rcode or (dns.rcode.NOERROR if name in known else dns.rcode.NXDOMAIN))
        if not self.rcode and (name, kind) in self.records:
            ttl, texts = self.records[name, kind]
            if texts:
                response.answer.append(dns.rrset.from_text(name, ttl, "IN", kind, *texts))
        wire = response.to_wire(max_size=65535)
        if over == "udp" and len(wire) > UDP_BYTES_MAX:
            response.answer.clear()
            response.flags |= dns.flags.TC
            wire = response.to_wire()
        return self.garble(wire)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if (answer := self._server.answer(data, "udp")) is not None:
            self._transport.sendto(answer, addr)


@asynccontextmanager
async def name_server() -> AsyncIterator[NameServer]:
    """A server at 127.0.0.1, on the same port for UDP and TCP."""
    server = NameServer()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            (size,) = struct.unpack(">H", await reader.readexactly(2))
            answer = server.answer(await reader.readexactly(size), "tcp")
            if answer is not None:
                writer.write(struct.pack(">H", len(answer)) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Datagrams(server), local_addr=("127.0.0.1", server.port)
    )
    try:
        yield server
    finally:
        transport.close()
        listening.close()
        await asyncio.sleep(0)
