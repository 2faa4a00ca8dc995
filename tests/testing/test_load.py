"""The load generator: it keeps its pace, counts latency from when a request was due, and hides no failure."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from calve.testing.load import LoadRequest, Sample, Samples, SteadyLoad, describe_failures

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

GET = LoadRequest("get", "GET", "/")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def server(serve: Serve) -> Iterator[str]:
    """A server in a thread of its own. Yields: its URL."""
    started, ports, stop = threading.Event(), list[int](), threading.Event()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    async def main() -> None:
        listening = await asyncio.start_server(accept, "127.0.0.1", 0)
        ports.append(listening.sockets[0].getsockname()[1])
        started.set()
        async with listening:
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    started.wait()
    try:
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        stop.set()
        thread.join()


async def head(reader: asyncio.StreamReader) -> bytes:
    """The head of a request; empty when there is none any more."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


def test_connections_are_used_again_until_the_server_says_no() -> None:
    connections = [0]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections[0] += 1
        for answer in (OK, OK, OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")):
            if not await head(reader):
                break
            writer.write(answer)

    with server(serve) as url, SteadyLoad(url, [GET], per_second=100) as load:
        load.at_least(10)
    assert load.failed() == []
    assert len(load.samples) >= 10
    assert connections[0] == -(-len(load.samples) // 3), "three requests on each"


def test_answers_in_chunks_and_without_a_body_leave_the_connection_usable() -> None:
    connections = [0]
    chunks = b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections[0] += 1
        while await head(reader):
            writer.write(b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
            if await head(reader):
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    with server(serve) as url, SteadyLoad(url, [GET], per_second=50) as load:
        load.at_least(6)
    assert {(sample.status, sample.detail[:5]) for sample in load.failed()} == {(404, "abcde")}
    assert connections[0] < len(load.samples)


def test_what_fails_is_told() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await head(reader)
        if b"/bad" in request:
            writer.write(OK.replace(b"200", b"503").replace(b"{}", b"no"))
        elif b"/slow" in request:
            await head(reader)

    requests = [LoadRequest(name, "GET", f"/{name}") for name in ("bad", "slow", "cut")]
    with server(serve) as url, SteadyLoad(url, requests, per_second=50, timeout_seconds=0.1) as load:
        load.at_least(6, lambda sample: not sample.good)
    told = {sample.name: (sample.status, sample.detail) for sample in load.failed()}
    assert told["bad"] == (503, "no")
    assert told["slow"] == (0, "no answer within 0.1 s")
    assert told["cut"][1].startswith("IncompleteReadError")
    assert "bad  503  no" in describe_failures(load.failed())


def test_bodies_are_sent_and_made_anew() -> None:
    bodies: list[bytes] = []
    numbers = iter(range(1000))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await head(reader):
            length = int(request.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            bodies.append(await reader.readexactly(length))
            writer.write(OK)

    request = LoadRequest("post", "POST", "/", json=lambda: {"n": next(numbers)})
    with server(serve) as url, SteadyLoad(url, [request], per_second=100) as load:
        load.at_least(3)
    assert bodies[:3] == [b'{"n":0}', b'{"n":1}', b'{"n":2}']


def test_nobody_there() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("nobody comes")

    with server(serve) as url:
        pass
    with SteadyLoad(url, [GET], per_second=50) as load:
        load.at_least(1, lambda sample: "refused" in sample.detail.lower())


def test_samples_are_looked_at_by_kind_and_time() -> None:
    samples = Samples(Sample(name, due, due / 10, 200, due < 4, "") for due, name in enumerate("abcab"))
    assert [s.due for s in samples.only("a")] == [0, 3]
    assert [s.due for s in samples.between(1, 3)] == [1, 2]
    assert [s.due for s in samples.failed()] == [4]
    assert (samples.percentile(0), samples.percentile(99), Samples().percentile(50)) == (0.0, 400.0, 0.0)
