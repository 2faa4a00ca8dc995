"""A load generator for HTTP/1.1 that costs little: keep-alive connections, one request in flight on each, no framework.

Requests are bytes made beforehand; of the answer only the status and the length are read. Answers come with
Content-Length (all servers here do that for what is asked of them).

    closed loop    every connection sends its next request when the answer is there: how much a server can do
    fixed rate     requests start by the clock, whether or not earlier ones are done; latency counts from when a request
                   *should* have started, so a server that falls behind cannot hide it
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, cast


class Request(NamedTuple):
    """One request, ready to be written."""

    port: int
    data: bytes
    status: int
    """The status of a good answer; any other is counted as a failure."""


def request(port: int, method: str, path: str, body: bytes = b"", status: int = 200) -> Request:
    """Make a request to this machine."""
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
    if body:
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    elif method != "GET":
        head += "content-length: 0\r\n"
    return Request(port, head.encode() + b"\r\n" + body, status)


class Connection(asyncio.Protocol):
    """One keep-alive connection; `send` resolves to the status."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._answer: asyncio.Future[int] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods only

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the connection"))

    def send(self, data: bytes) -> asyncio.Future[int]:
        """Write a request; the last answer must have arrived."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._answer is None:
            return
        head = bytes(self._buffer[:end]).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) >= end + 4 + length:
            self._buffer.clear()
            self._answer.set_result(int(head[9:12]))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


class Pool:
    """Idle connections by port; opens another one when none is left."""

    def __init__(self) -> None:
        self._idle: dict[int, list[Connection]] = {}

    async def run(self, wanted: Request) -> bool:
        """Send one request. Returns whether the status was the good one."""
        idle = self._idle.setdefault(wanted.port, [])
        if idle:
            connection = idle.pop()
        else:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, "127.0.0.1", wanted.port)
        status = await connection.send(wanted.data)
        idle.append(connection)
        return status == wanted.status

    def close(self) -> None:
        """Hang up everywhere."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()


class Load(NamedTuple):
    """What came of a run."""

    requests: int
    failures: int
    seconds: float
    latencies_ms: list[float]
    """Sorted."""

    def percentile(self, percent: float) -> float:
        """Latency in milliseconds that so many per cent of the requests stayed below."""
        return self.latencies_ms[min(len(self.latencies_ms) - 1, int(len(self.latencies_ms) * percent / 100))]


async def closed_loop(requests: Iterator[Request], seconds: float, in_flight: int) -> Load:
    """Keep `in_flight` requests going for so many seconds."""
    pool, latencies, failures = Pool(), list[float](), 0
    clock: Callable[[], float] = time.perf_counter
    started = clock()

    async def worker() -> None:
        nonlocal failures
        while clock() - started < seconds:
            before = clock()
            failures += not await pool.run(next(requests))
            latencies.append((clock() - before) * 1e3)

    await asyncio.gather(*(worker() for _ in range(in_flight)))
    took = clock() - started
    pool.close()
    return Load(len(latencies), failures, took, sorted(latencies))


async def fixed_rate(requests: Iterator[Request], seconds: float, per_second: float) -> Load:
    """Start so many requests per second, evenly spaced, and wait for the last answer."""
    pool, latencies, failures = Pool(), list[float](), 0
    clock = time.perf_counter
    started = clock()

    async def one(due: float, wanted: Request) -> None:
        nonlocal failures
        failures += not await pool.run(wanted)
        latencies.append((clock() - due) * 1e3)

    async with asyncio.TaskGroup() as tasks:
        for number in range(int(seconds * per_second)):
            due = started + number / per_second
            await asyncio.sleep(due - clock())
            tasks.create_task(one(due, next(requests)))
    took = clock() - started
    pool.close()
    return Load(len(latencies), failures, took, sorted(latencies))
