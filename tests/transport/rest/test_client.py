"""A contract over HTTP: against our own edge, where nothing may be lost, and against servers that speak otherwise."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Protocol

import pytest

from calve import (
    ConfigError,
    Contract,
    DomainError,
    InvalidArgument,
    Message,
    call_options,
    command,
    current_call,
    query,
)
from calve.bootstrap import Base, rest_stub
from calve.contract import describe
from calve.core.errors import (
    DeadlineExceeded,
    InternalError,
    Overloaded,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
    UnknownOperation,
)
from calve.service import Chain
from calve.testing.fakes.observe import RecordingTracing
from calve.transport.rest import HttpServer, RestEdge
from calve.transport.rest.refusals import refusal_of


class Place(Message):
    name: str
    number: int


class UnknownPlace(DomainError):
    """There is no such place."""

    status = 404
    name: str


class Closed(DomainError):
    """It is closed."""

    status = 409


class Geo(Contract, Protocol, version="1.0"):
    """Where things are."""

    @query(http="GET /places/{name}", raises=[UnknownPlace])
    async def find(self, name: str, near: tuple[int, ...] = ()) -> Place: ...

    @command(http="PUT /places/{name}", raises=[UnknownPlace, Closed])
    async def move(self, name: str, to: Place) -> None: ...

    @query(http="GET /walk")
    def walk(self, steps: int, stumble: int = -1) -> AsyncIterator[Place]: ...


class GeoService(Geo):
    """Tells what it was told."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    async def find(self, name: str, near: tuple[int, ...] = ()) -> Place:
        self.calls.append(current_call())
        if name == "nowhere":
            raise UnknownPlace(name=name)
        if name == "slow":
            await asyncio.Event().wait()
        return Place(name=name, number=sum(near))

    async def move(self, name: str, to: Place) -> None:
        self.calls.append(current_call())
        if name == "closed":
            raise Closed()
        if to.number < 0:
            raise InvalidArgument("too low", field="$.to.number")

    async def walk(self, steps: int, stumble: int = -1) -> AsyncIterator[Place]:
        for number in range(steps):
            if number == stumble:
                raise ValueError("stumbled")
            yield Place(name="step", number=number)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as made:
        yield made


@pytest.fixture
async def service() -> GeoService:
    return GeoService()


@pytest.fixture
async def geo(service: GeoService, stack: AsyncExitStack) -> Geo:
    """The contract through our own edge and back."""
    base = Base.make()
    parts = {"wheel": base.wheel, "clock": base.clock, "registry": base.registry, "tracing": base.tracing}
    chain = Chain(**parts, log=base.log)  # type: ignore[arg-type]
    operations = describe(Geo).operations.values()
    edge = RestEdge([chain.endpoint("geo", o, getattr(service, o.name)) for o in operations], title="t", version="1")
    server = HttpServer(edge, host="127.0.0.1", port=0)
    await server.start()
    stack.push_async_callback(server.stop, 0)
    return await stack.enter_async_context(rest_stub(Geo, f"http://127.0.0.1:{server.port}", token="t0ken"))


async def foreign(stack: AsyncExitStack, reply: Callable[[bytes], Awaitable[bytes]], **options: Any) -> Geo:
    """A stub of a server that answers with bytes of ours."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reply(await reader.readuntil(b"\r\n\r\n")))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    stack.callback(server.close)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/"
    return await stack.enter_async_context(rest_stub(Geo, url, **options))


def answer(status: int, body: bytes, kind: str = "application/json") -> bytes:
    """A whole HTTP answer."""
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return head.encode() + body


async def test_answers_and_domain_errors_arrive_as_themselves(geo: Geo) -> None:
    assert await geo.find("a/b ä", near=(1, 2)) == Place(name="a/b ä", number=3)
    with pytest.raises(UnknownPlace) as caught:
        await geo.find("nowhere")
    assert caught.value == UnknownPlace(name="nowhere")
    await geo.move("x", Place(name="y", number=1))
    with pytest.raises(Closed):
        await geo.move("closed", Place(name="y", number=1))
    with pytest.raises(InvalidArgument, match="too low") as refused:
        await geo.move("x", Place(name="y", number=-1))
    assert refused.value.field == "$.to.number"


async def test_the_call_goes_along(geo: Geo, service: GeoService) -> None:
    with call_options(timeout_seconds=5, idempotency_key="k-1"):
        await geo.move("x", Place(name="y", number=1))
    call = service.calls[0]
    assert call.given_key == "k-1"
    assert call.deadline < asyncio.get_running_loop().time() + 5.1


async def test_the_trace_goes_along_and_the_call_has_a_span(service: GeoService, stack: AsyncExitStack) -> None:
    tracing = RecordingTracing()
    heads: list[bytes] = []

    async def reply(head: bytes) -> bytes:
        heads.append(head)
        return answer(200, b'{"name": "x", "number": 1}')

    geo = await foreign(stack, reply, base=Base.make(tracing=tracing), token="t0ken")
    await geo.find("x", near=(1,))
    span = tracing.span("geo/find")
    head = heads[0].decode()
    assert span.kind == "client"
    assert head.startswith("GET /v1/places/x?near=1 HTTP/1.1")
    assert f"traceparent: {span.trace.traceparent()}" in head
    assert "authorization: Bearer t0ken" in head
    assert "idempotency-key" not in head


async def test_streams(geo: Geo) -> None:
    assert [place.number async for place in geo.walk(3)] == [0, 1, 2]
    seen = []

    async def walk() -> None:
        async for place in geo.walk(3, stumble=2):
            seen.append(place.number)

    with pytest.raises(InternalError):
        await walk()
    assert seen == [0, 1]
    with pytest.raises(InternalError):
        async for _ in geo.walk(3, stumble=0):
            pass


async def test_a_deadline_ends_the_call_on_both_sides(geo: Geo) -> None:
    with call_options(timeout_seconds=0.05), pytest.raises(DeadlineExceeded):
        await geo.find("slow")
    with call_options(timeout_seconds=-1), pytest.raises(DeadlineExceeded) as caught:
        await geo.find("x")
    assert not caught.value.may_have_run


async def test_nobody_there_is_unavailable(stack: AsyncExitStack) -> None:
    geo = await stack.enter_async_context(rest_stub(Geo, "http://127.0.0.1:1"))
    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        await geo.find("x")
    assert not caught.value.may_have_run


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n",
    ],
)
async def test_a_connection_that_is_lost_leaves_it_open_what_happened(stack: AsyncExitStack, reply: bytes) -> None:
    async def lose(head: bytes) -> bytes:
        return reply

    geo = await foreign(stack, lose)
    with pytest.raises(Unavailable) as caught:
        await geo.find("x")
    assert caught.value.may_have_run
    with pytest.raises(Unavailable):
        async for _ in geo.walk(1):
            pass


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (answer(200, b'{"name": 5}'), "answered with what its contract does not allow"),
        (answer(200, b"<html>"), "does not allow"),
        (answer(302, b""), "answered with HTTP 302"),
        (answer(500, b"oops"), "answered with HTTP 500"),
    ],
)
async def test_an_answer_that_makes_no_sense_is_the_service_s_fault(
    stack: AsyncExitStack, reply: bytes, why: str
) -> None:
    async def say(head: bytes) -> bytes:
        return reply

    with pytest.raises(InternalError, match=why):
        await (await foreign(stack, say)).find("x")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"item": {"name": "x", "number": 1}}\n', Unavailable),
        (b"nonsense\n", InternalError),
        (b"{}\n", InternalError),
        (b'{"item": 5}\n', InternalError),
        (b'{"error": {"status": 503}}\n', Unavailable),
    ],
)
async def test_a_stream_that_makes_no_sense(stack: AsyncExitStack, body: bytes, error: type[Exception]) -> None:
    async def say(head: bytes) -> bytes:
        return answer(200, body, "application/x-ndjson")

    geo = await foreign(stack, say)
    with pytest.raises(error):
        async for _ in geo.walk(1):
            pass


async def test_an_answer_has_a_limit(stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = {"token": None, "answer_bytes_max": 10}
    monkeypatch.setattr("calve.transport.rest.client.RestCaller.__init__.__kwdefaults__", defaults)

    async def say(head: bytes) -> bytes:
        return answer(200, b"x" * 100)

    geo = await foreign(stack, say)
    with pytest.raises(InternalError, match="larger than 10 bytes"):
        await geo.find("x")
    with pytest.raises(InternalError, match="larger than 10 bytes"):
        async for _ in geo.walk(1):
            pass


async def test_every_operation_needs_a_rule() -> None:
    class Silent(Contract, Protocol, version="1.0"):
        @query()
        async def nothing(self) -> None: ...

    with pytest.raises(ConfigError, match=r"Silent.nothing has no HTTP rule, .*; give it http="):
        async with rest_stub(Silent, "http://x"):
            pass


FIND, MOVE = (describe(Geo).operations[name] for name in ("find", "move"))


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, b'{"name": "x", "more": 1}', UnknownPlace),
        (404, b'{"nome": "x"}', UnknownOperation),
        (404, b"Not Found", UnknownOperation),
        (404, b'{"type": "urn:calve:error:not_found", "code": "not_found", "name": "x"}', UnknownOperation),
        (404, b'{"type": "urn:calve:error:geo:UnknownPlace", "code": "UnknownPlace", "name": "x"}', UnknownPlace),
        (409, b"<html>", Closed),
        (400, b"", InvalidArgument),
        (422, b'{"detail": [1]}', InvalidArgument),
        (401, b"", Unauthenticated),
        (403, b"", PermissionDenied),
        (429, b"", Overloaded),
        (503, b"[]", Unavailable),
        (504, b"", DeadlineExceeded),
        (418, b"\xff", InternalError),
        (500, b'{"type": "urn:calve:error:overloaded", "code": "overloaded", "may_have_run": false}', Overloaded),
    ],
)
def test_what_a_refusal_stands_for(status: int, body: bytes, error: type[Exception]) -> None:
    found = refusal_of("geo.move", MOVE, status, body)
    assert type(found) is error
    if b"may_have_run" in body:
        assert found.may_have_run is json.loads(body)["may_have_run"]  # type: ignore[union-attr]


def test_a_refusal_tells_what_the_service_told() -> None:
    found = refusal_of("geo.find", FIND, 400, b'{"detail": "no such street", "field": "$.name"}')
    assert str(found) == "geo.find: no such street"
    assert isinstance(found, InvalidArgument)
    assert found.field == "$.name"
