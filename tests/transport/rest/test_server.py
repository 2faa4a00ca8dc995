"""Real servers on real sockets: what is promised holds on granian and on uvicorn alike."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
import uvloop

from calve.core.errors import ConfigError
from calve.transport.rest import HttpServer

OWNER = "6f1c2a6e-0b7e-4d5e-9c55-5f8f0f6f0a01"
KINDS: list[Any] = ["calve", "granian", "uvicorn"]
JSON = "content-type: application/json\r\n"


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """A client that sends bytes as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: str | bytes) -> None:
        self.writer.write(data.encode() if isinstance(data, str) else data)

    def get(self, path: str) -> None:
        self.send(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")

    async def head(self) -> tuple[int, dict[str, str]]:
        first, *rest = (await self.reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in rest)

    async def reply(self) -> Reply:
        status, headers = await self.head()
        return Reply(status, headers, await self.reader.readexactly(int(headers.get("content-length", 0))))

    async def chunk(self) -> bytes:
        size = int(await self.reader.readline(), 16)
        data = await self.reader.readexactly(size)
        await self.reader.readexactly(2)
        return data

    async def closed(self) -> bool:
        """Wait until the server hangs up; whether it did so without a word."""
        try:
            return await self.reader.read() == b""
        except ConnectionResetError:
            return True


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


async def refused(port: int) -> bool:
    """Whether nobody answers there any more: the system refuses the connection, or the server drops it."""
    try:
        async with connected(port) as connection:
            connection.get("/names/a")
            return await connection.closed()
    except ConnectionError:
        return True


@asynccontextmanager
async def serving(bank: Any, kind: Any, **options: Any) -> AsyncIterator[HttpServer]:
    server = HttpServer(bank.edge(**options), host="127.0.0.1", port=0, kind=kind)
    await server.start()
    try:
        yield server
    finally:
        bank.service.go_on.set()
        await server.stop(0)


@pytest.mark.parametrize("kind", KINDS)
async def test_requests_are_answered_on_one_connection(bank: Any, kind: Any) -> None:
    async with serving(bank, kind) as server, connected(server.port) as connection:
        for number in range(3):
            connection.get(f"/names/n{number}")
            reply = await connection.reply()
            assert (reply.status, reply.body) == (200, b'"n%d"' % number)
            assert reply.headers["content-type"] == "application/json"
        body, debits = '{"cents":5}', f"/wallets/{OWNER}/debits"
        connection.send(f"POST {debits} HTTP/1.1\r\nhost: x\r\n{JSON}content-length: {len(body)}\r\n\r\n{body}")
        assert (await connection.reply()).status == 200
        connection.send(f"POST /orders HTTP/1.1\r\nhost: x\r\n{JSON}transfer-encoding: chunked\r\n\r\n")
        for piece in ('{"li', 'nes":', "[]}"):
            connection.send(f"{len(piece):x}\r\n{piece}\r\n")
            await connection.writer.drain()
        connection.send("0\r\n\r\n")
        assert (await connection.reply()).status == 200


@pytest.mark.parametrize("kind", KINDS)
async def test_a_port_in_use_is_one_clear_error(bank: Any, kind: Any, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(bank, "granian") as server:
        second = HttpServer(bank.edge(), host="127.0.0.1", port=server.port, kind=kind)
        with pytest.raises(ConfigError, match=f"port {server.port} of 127.0.0.1 is in use; stop the process"):
            await second.start()
        await second.stop(1)
    assert not caplog.records


@pytest.mark.parametrize(
    ("host", "port", "words"),
    [
        ("no.such.host.invalid", 0, "not an address of any machine"),
        ("192.0.2.1", 0, "not an address of this machine"),
    ],
)
async def test_an_address_that_cannot_be_listened_on_is_one_too(bank: Any, host: str, port: int, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        await HttpServer(bank.edge(), host=host, port=port).start()


async def test_a_port_that_needs_privileges_is_one_too(bank: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(ConfigError, match="port 80 needs privileges"):
        await HttpServer(bank.edge(), host="127.0.0.1", port=80).start()


async def test_a_server_that_is_not_installed_is_one_too(bank: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "calve.transport.rest.server_uvicorn", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ConfigError, match=r"pip install 'calve\[uvicorn\]'"):
        await HttpServer(bank.edge(), host="127.0.0.1", port=0, kind="uvicorn").start()


@pytest.mark.parametrize("host", ["localhost", "0.0.0.0", "::1"])
async def test_a_host_may_be_a_name_or_a_wildcard(bank: Any, host: str) -> None:
    if host == "::1" and not socket.has_ipv6:
        pytest.skip("only on machines with IPv6")
    server = HttpServer(bank.edge(), host=host, port=0)
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1" if host != "::1" else host, server.port)
    connection = Connection(reader, writer)
    connection.get("/names/a")
    assert (await connection.reply()).status == 200
    writer.close()
    await server.stop(1)


@pytest.mark.parametrize("kind", KINDS)
async def test_stopping_lets_requests_finish_and_takes_no_new_ones(bank: Any, kind: Any) -> None:
    async with serving(bank, kind) as server, connected(server.port) as busy, connected(server.port) as idle:
        idle.get("/names/a")
        await idle.reply()
        busy.get("/wait")
        await bank.service.running.wait()
        stopping = asyncio.create_task(server.stop(60))
        assert await idle.closed()
        assert await refused(server.port)
        assert not stopping.done()
        bank.service.go_on.set()
        assert (await busy.reply()).body == b'"done"'
        assert await busy.closed()
        await stopping
        await server.stop(60)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_outlives_the_grace_time_is_cancelled_and_told_so(
    bank: Any, kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"stream_silence_seconds": 0.0}
    async with (
        serving(bank, kind, **options) as server,
        connected(server.port) as busy,
        connected(server.port) as stream,
    ):
        busy.get("/wait")
        await bank.service.running.wait()
        stream.get("/quiet")
        status, _ = await stream.head()
        await server.stop(0)
        reply = await busy.reply()
        assert (reply.status, status) == (503, 200)
        assert b'"may_have_run":true' in reply.body
        assert bank.service.cancelled.is_set()
        assert b'event: error\ndata: {"type":"urn:calve:error:unavailable"' in await stream.reader.read()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_client_that_goes_away_cancels_its_call(bank: Any, kind: Any) -> None:
    async with serving(bank, kind) as server:
        for path, ended in [("/wait", bank.service.cancelled), ("/quiet", bank.service.closed)]:
            bank.service.running.clear()
            async with connected(server.port) as connection:
                connection.get(path)
                await bank.service.running.wait()
            await ended.wait()
        await server.stop(60)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stream_arrives_item_by_item(bank: Any, kind: Any) -> None:
    async with serving(bank, kind, stream_silence_seconds=0.0) as server, connected(server.port) as connection:
        for accept, idle in [("text/event-stream", b":\n\n"), ("application/x-ndjson", b"\n")]:
            bank.service.go_on.clear()
            connection.send(f"GET /quiet HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\nX-Request-Timeout: 0.2\r\n\r\n")
            status, headers = await connection.head()
            assert (status, headers["content-type"]) == (200, accept)
            assert await connection.chunk() == idle
            bank.service.go_on.set()
            assert b"1" in await connection.chunk()
            assert b"deadline_exceeded" in await connection.chunk()
            assert await connection.chunk() == b""


@pytest.mark.parametrize("kind", KINDS)
async def test_a_body_that_is_too_large_is_refused_before_it_is_sent(bank: Any, kind: Any) -> None:
    async with serving(bank, kind) as server, connected(server.port) as connection:
        connection.send(f"POST /orders HTTP/1.1\r\nhost: x\r\n{JSON}content-length: 1048577\r\n\r\n")
        reply = await connection.reply()
        assert (reply.status, reply.headers["connection"]) == (413, "close")
        assert await connection.closed()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_body_of_the_largest_size_is_taken(bank: Any, kind: Any) -> None:
    body = b'{"lines":[],"note":"' + b"x" * (1_048_576 - 22) + b'"}'
    async with serving(bank, kind) as server, connected(server.port) as connection:
        connection.send(f"POST /orders HTTP/1.1\r\nhost: x\r\n{JSON}content-length: {len(body)}\r\n\r\n")
        connection.send(body)
        reply = await connection.reply()
        assert (reply.status, len(reply.body)) == (200, len(body) + len(',"due":null,"extra":null'))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_body_that_does_not_come_is_given_up(bank: Any, kind: Any) -> None:
    async with serving(bank, kind, body_timeout_seconds=0.1) as server, connected(server.port) as connection:
        connection.send(f'POST /orders HTTP/1.1\r\nhost: x\r\n{JSON}content-length: 12\r\n\r\n{{"lines"')
        reply = await connection.reply()
        assert (reply.status, reply.headers["connection"]) == (408, "close")
        assert await connection.closed()


async def test_a_head_that_never_ends_is_not_collected() -> None:
    called = False

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal called
        called = True

    server = HttpServer(app, host="127.0.0.1", port=0)
    await server.start()
    async with connected(server.port) as connection:
        connection.send("GET / HTTP/1.1\r\nhost: x\r\nx: " + "y" * 300_000 + "\r\n\r\n")
        try:
            status, _ = await connection.head()
        except (ConnectionError, asyncio.IncompleteReadError):
            status = 431
        assert (status, called) == (431, False)
    await server.stop(1)


async def test_many_connections_may_be_open() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    server = HttpServer(app, host="127.0.0.1", port=0)
    await server.start()
    open_ones = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(300)]
    reader, writer = open_ones[-1]
    last = Connection(reader, writer)
    last.get("/")
    assert (await last.head())[0] == 204
    for _, writer in open_ones:
        writer.close()
    await server.stop(1)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_logging_of_the_process_is_left_alone(
    bank: Any, kind: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    class Handler(logging.Handler):
        closed = False

        def emit(self, record: logging.LogRecord) -> None:
            raise AssertionError(record.getMessage())

        def close(self) -> None:
            self.closed = True
            super().close()

    mine, root = Handler(), logging.getLogger()
    before = list(root.handlers)
    root.addHandler(mine)
    try:
        async with serving(bank, kind) as server, connected(server.port) as connection:
            connection.get("/names/a")
            await connection.reply()
            await server.stop(1)
        assert root.handlers == [*before, mine]
        assert not mine.closed
    finally:
        root.removeHandler(mine)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", KINDS)
async def test_the_port_is_free_again_after_stopping(bank: Any, kind: Any) -> None:
    async with serving(bank, kind) as server, connected(server.port) as connection:
        connection.get("/names/a")
        await connection.reply()
        await server.stop(1)
        again = HttpServer(bank.edge(), host="127.0.0.1", port=server.port, kind=kind)
        await again.start()
        async with connected(server.port) as second:
            second.get("/names/a")
            assert (await second.reply()).status == 200
        await again.stop(1)


def eager_loop() -> asyncio.AbstractEventLoop:
    """A loop whose tasks start at once, where Python has that (3.12)."""
    loop = asyncio.new_event_loop()
    loop.set_task_factory(getattr(asyncio, "eager_task_factory", None))
    return loop


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop, eager_loop])
def test_any_event_loop_will_do(bank: Any, kind: Any, new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def run() -> None:
        async with serving(bank, kind) as server, connected(server.port) as connection:
            connection.get("/wait")
            await bank.service.running.wait()
            stopping = asyncio.create_task(server.stop(60))
            await asyncio.sleep(0)
            bank.service.go_on.set()
            assert (await connection.reply()).status == 200
            await stopping

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(run())


PROGRAM = """
import asyncio, sys, uvloop
from calve.transport.rest import HttpServer

async def app(scope, receive, send):
    await receive()
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})

async def main():
    server = HttpServer(app, host="127.0.0.1", port=0, kind=sys.argv[1])
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"POST / HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: 2\\r\\n\\r\\n{}")
    print((await reader.readuntil(b"\\r\\n")).decode().strip())
    await server.stop(5)

uvloop.run(main())
"""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attempt", range(3))  # what goes wrong at the end of a process goes wrong at times
async def test_a_process_ends_without_a_sound(kind: str, attempt: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, kind, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await process.communicate()
    assert (process.returncode, out.strip(), err) == (0, b"HTTP/1.1 204 No Content", b"")
