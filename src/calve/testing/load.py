"""A steady load on a server, for tests that do something to it meanwhile: roll it out, kill a part, stop a process.

    with SteadyLoad(url, [LoadRequest("list", "GET", "/products")], per_second=50) as load:
        ...                                   what the users are not to notice
    assert load.failed() == []
    load.only("list").percentile(99)          milliseconds

Requests start by the clock, whether or not earlier ones are done, and their latency counts from when they *should* have
started, so a server that falls behind cannot hide it. They go over keep-alive connections, one request at a time on
each, and nothing is ever tried again: what a client with retries would hide counts as failed.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

TIMEOUT_SECONDS = 30.0
"""How long one request may take unless something else is said; after that it has failed."""
PATIENCE_SECONDS = 60.0
"""How long `at_least` waits for what ought to happen soon."""


class LoadRequest(NamedTuple):
    """One request, to be made over and over."""

    name: str
    """Names its kind in samples."""
    method: str
    target: str
    """Path with query string."""
    json: Any = None
    """Sent as JSON unless None; a callable is asked for every request."""
    good: Collection[int] = range(200, 400)
    """Statuses of answers that are no failure."""
    headers: Sequence[tuple[str, str]] = ()
    """More of them, such as `("X-Request-Timeout", "1")`."""


class Sample(NamedTuple):
    """What became of one request."""

    name: str
    due: float
    """When it should have started, in seconds since the load began."""
    seconds: float
    """From then until its whole answer was there, or it had failed."""
    status: int
    """0 without an answer."""
    good: bool
    detail: str
    """Why there is no answer, or the beginning of a bad one."""


class Samples(list[Sample]):
    """Samples in the order in which they ended."""

    def only(self, *names: str) -> Samples:
        """Those of some kinds."""
        return Samples(sample for sample in self if sample.name in names)

    def between(self, since: float, until: float = float("inf")) -> Samples:
        """Those that were due in a time, in seconds since the load began."""
        return Samples(sample for sample in self if since <= sample.due < until)

    def failed(self) -> Samples:
        """Those without a good answer."""
        return Samples(sample for sample in self if not sample.good)

    def percentile(self, percent: float) -> float:
        """Milliseconds that so many per cent of them took at most; of none: 0."""
        ordered = sorted(sample.seconds for sample in self)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1e3 if ordered else 0.0


class SteadyLoad:
    """Makes requests in a thread of its own from the beginning of the block to its end.

    Args:
        url: Of the server, such as `http://127.0.0.1:8000`.
        requests: Made in turn.
        per_second: How many of them.
        timeout_seconds: When one has failed.
        keep_alive: Whether connections are used again; False makes one for each request.
    """

    def __init__(
        self,
        url: str,
        requests: Sequence[LoadRequest],
        *,
        per_second: float,
        timeout_seconds: float = TIMEOUT_SECONDS,
        keep_alive: bool = True,
    ) -> None:
        where = urlsplit(url)
        self._host, self._port = where.hostname or "", where.port or 80
        self._requests, self._per_second, self._timeout = requests, per_second, timeout_seconds
        self._keep_alive = keep_alive
        self._idle: list[_Connection] = []
        self._samples, self._news = Samples(), threading.Condition()
        self._stopping = threading.Event()
        self._started = 0.0
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def __enter__(self) -> SteadyLoad:
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Begin no more requests, and wait for those under way."""
        self._stopping.set()
        self._thread.join()

    @property
    def now(self) -> float:
        """Seconds since the load began."""
        return time.monotonic() - self._started

    @property
    def samples(self) -> Samples:
        """What ended so far."""
        with self._news:
            return Samples(self._samples)

    def only(self, *names: str) -> Samples:
        """Of what ended so far, that of some kinds."""
        return self.samples.only(*names)

    def failed(self) -> Samples:
        """What failed so far."""
        return self.samples.failed()

    def at_least(self, count: int, accept: Callable[[Sample], bool] = lambda sample: sample.good) -> Samples:
        """Wait for so many more samples of some sort, good ones unless said otherwise, and return them.

        Raises: AssertionError: they did not come.
        """
        with self._news:
            before = len(self._samples)
            arrived = self._news.wait_for(
                lambda: sum(map(accept, self._samples[before:])) >= count, timeout=PATIENCE_SECONDS
            )
            found = Samples(self._samples[before:])
        assert arrived, f"waited in vain for {count} requests; the last were {found[-3:]}"
        return Samples(filter(accept, found))

    def _run(self) -> None:
        asyncio.run(self._generate())

    async def _generate(self) -> None:
        pending: set[asyncio.Task[None]] = set()
        number = 0
        while not self._stopping.is_set():
            due = number / self._per_second
            await asyncio.sleep(due - self.now)
            task = asyncio.create_task(self._one(due, self._requests[number % len(self._requests)]))
            pending.add(task)
            task.add_done_callback(pending.discard)
            number += 1
        await asyncio.gather(*pending)
        for connection in self._idle:
            connection.close()
        await asyncio.sleep(0)  # closing takes a turn of the loop

    async def _one(self, due: float, request: LoadRequest) -> None:
        status, detail = 0, ""
        try:
            async with asyncio.timeout(self._timeout):
                status, body = await self._exchange(request)
            if status not in request.good:
                detail = body[:300].decode(errors="replace")
        except TimeoutError:
            detail = f"no answer within {self._timeout:g} s"
        except (OSError, EOFError, ValueError) as error:
            detail = f"{type(error).__name__}: {error}"
        sample = Sample(request.name, due, self.now - due, status, status in request.good, detail)
        with self._news:
            self._samples.append(sample)
            self._news.notify_all()

    async def _exchange(self, request: LoadRequest) -> tuple[int, bytes]:
        while self._idle and self._idle[-1].ended:
            self._idle.pop().close()
        connection = self._idle.pop() if self._idle else await _Connection.open(self._host, self._port)
        try:
            status, body, again = await connection.exchange(request, self._keep_alive)
        except BaseException:
            connection.close()
            raise
        if again and self._keep_alive:
            self._idle.append(connection)
        else:
            connection.close()
        return status, body


class _Connection:
    """One keep-alive connection. Answers have a Content-Length, come in chunks or end with the connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader, self._writer, self._host = reader, writer, host

    @classmethod
    async def open(cls, host: str, port: int) -> _Connection:
        """Connect. Raises OSError."""
        return cls(*await asyncio.open_connection(host, port), f"{host}:{port}")

    @property
    def ended(self) -> bool:
        """Whether the server has hung up, as far as is known here."""
        return self._reader.at_eof() or self._writer.is_closing()

    async def exchange(self, request: LoadRequest, keep_alive: bool) -> tuple[int, bytes, bool]:
        """Send a request. Returns: status, body, and whether the connection may be used again."""
        wanted = request.json() if callable(request.json) else request.json
        body = b"" if wanted is None else msgspec.json.encode(wanted)
        lines = [f"{request.method} {request.target} HTTP/1.1", f"host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in request.headers]
        if wanted is not None:
            lines.append("content-type: application/json")
        if request.method != "GET":
            lines.append(f"content-length: {len(body)}")
        if not keep_alive:
            lines.append("connection: close")
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        headers = dict(_header(line) for line in head[1:] if line)
        status = int(head[0][9:12])
        content = b"" if request.method == "HEAD" or status in (204, 304) else await self._body(headers)
        return status, content, not self._reader.at_eof() and headers.get("connection") != "close"

    async def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            parts = []
            while size := int((await self._reader.readuntil(b"\r\n")).partition(b";")[0], 16):
                parts.append(await self._reader.readexactly(size))
                await self._reader.readexactly(2)
            while await self._reader.readuntil(b"\r\n") != b"\r\n":  # trailers
                pass
            return b"".join(parts)
        length = headers.get("content-length")
        return await (self._reader.read() if length is None else self._reader.readexactly(int(length)))

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip()


def describe_failures(samples: Iterable[Sample]) -> str:
    """What failed, one line each, for the message of an assertion."""
    return "\n".join(f"{s.due:8.3f} s  {s.name}  {s.status or '-'}  {s.detail}" for s in samples)
