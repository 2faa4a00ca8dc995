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


Done = Callable[[int], object]
"""Called with the status of an answer."""
LOST = 0
"""The status when there is none, because the connection was lost or never made."""


def request(port: int, method: str, path: str, body: bytes = b"", status: int = 200) -> Request:
    """Make a request to this machine."""
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
    if body:
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    elif method != "GET":
        head += "content-length: 0\r\n"
    return Request(port, head.encode() + b"\r\n" + body, status)


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self._done: Done | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods only

    def connection_lost(self, exc: Exception | None) -> None:
        self._answered(LOST)

    def send(self, data: bytes, done: Done) -> None:
        """Write a request; the last answer must have arrived."""
        assert self._transport is not None
        self._done = done
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._buffer = data = self._buffer + data if self._buffer else data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return
        at = data.find(b"content-length: ", 0, end)
        if at < 0:
            at = data.lower().find(b"content-length: ", 0, end)
        length = int(data[at + 16 : data.index(b"\r", at)]) if at >= 0 else 0
        if len(data) >= end + 4 + length:
            self._buffer = b""
            self._answered(int(data[9:12]))

    def _answered(self, status: int) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(status)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


class Pool:
    """Idle connections by port; opens another one when none is left."""

    def __init__(self) -> None:
        self._idle: dict[int, list[Connection]] = {}
        self._opening: set[asyncio.Task[None]] = set()

    def submit(self, wanted: Request, done: Done) -> None:
        """Send one request; `done` is given its status, or `LOST`."""
        idle = self._idle.setdefault(wanted.port, [])
        if idle:
            self._send(idle.pop(), idle, wanted, done)
        else:
            task = asyncio.get_running_loop().create_task(self._open(idle, wanted, done))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, idle: list[Connection], wanted: Request, done: Done) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(Connection, "127.0.0.1", wanted.port)
        except OSError:
            done(LOST)
        else:
            self._send(connection, idle, wanted, done)

    def _send(self, connection: Connection, idle: list[Connection], wanted: Request, done: Done) -> None:
        def answered(status: int) -> None:
            if status != LOST:
                idle.append(connection)
            done(status)

        connection.send(wanted.data, answered)

    async def run(self, wanted: Request) -> bool:
        """Send one request. Returns whether the status was the good one."""
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.submit(wanted, answer.set_result)
        return await answer == wanted.status

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


class _Caller:
    """One of those who keep a closed loop going. No task: it must not be the client that is measured."""

    def __init__(self, pool: Pool, requests: Iterator[Request], until: float, latencies: list[float]) -> None:
        self._pool, self._requests, self._until, self._latencies = pool, requests, until, latencies
        self.failures = 0
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        """Send the next request."""
        self._wanted, self._since = next(self._requests), time.perf_counter()
        self._pool.submit(self._wanted, self._answered)

    def _answered(self, status: int) -> None:
        now = time.perf_counter()
        self._latencies.append((now - self._since) * 1e3)
        self.failures += status != self._wanted.status
        if now < self._until:
            self.begin()
        else:
            self.finished.set_result(None)


async def closed_loop(requests: Iterator[Request], seconds: float, in_flight: int) -> Load:
    """Keep `in_flight` requests going for so many seconds."""
    pool, latencies = Pool(), list[float]()
    started = time.perf_counter()
    callers = [_Caller(pool, requests, started + seconds, latencies) for _ in range(in_flight)]
    for caller in callers:
        caller.begin()
    await asyncio.gather(*(caller.finished for caller in callers))
    took = time.perf_counter() - started
    pool.close()
    return Load(len(latencies), sum(caller.failures for caller in callers), took, sorted(latencies))


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
