"""The calling side of REST: a contract that an HTTP service somewhere fulfils, be it one of Calve's or not.

    call ── request (requests.py) ── headers ── HTTP ── 2xx ──> the answer, checked against the contract
                                                  │── any other status ──> an error (refusals.py)
                                                  │── no connection ──> Unavailable(may_have_run=False)
                                                  │── lost on the way ──> Unavailable(may_have_run=True)
                                                  └── too late ──> DeadlineExceeded

What goes along: `X-Request-Timeout` (the time that is left), `Idempotency-Key` with commands, `traceparent` and
`tracestate`, and `Authorization` when there is a token. A principal does not: whoever serves asks the token.

pyqwest does HTTP, in threads of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec

from ...contract import ContractInfo, Operation
from ...core.clock import Clock
from ...core.context import CallContext
from ...core.deadline import NEVER, TimerWheel, run_until
from ...core.errors import ConfigError, DeadlineExceeded, InternalError, InvalidArgument, Unavailable
from ...core.secret import Secret
from .intake import KEY_HEADER, TIMEOUT_HEADER, TIMEOUT_SECONDS_MAX
from .refusals import refusal_of
from .requests import HttpRequest, RequestMaker

try:
    from pyqwest import Client, HTTPTransport, ReadError, RemoteProtocolError, Response, StreamError, WriteError
except ImportError as error:
    raise ConfigError(
        "pyqwest is not installed", where="[service.<name>] url", fix="run pip install 'calve[http]'"
    ) from error

ANSWER_BYTES_MAX = 16 << 20
CONNECT_SECONDS = 10.0
NDJSON = "application/x-ndjson"

_LOST = (OSError, ReadError, RemoteProtocolError, StreamError, WriteError)


class _Line(msgspec.Struct):
    item: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    end: bool = False
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class RestCaller:
    """Calls the operations of a contract over HTTP; a `calve.service.RemoteCaller`.

    Args:
        url: Base URL; the paths of the contract come behind it.
        wheel: Timer wheel of the loop it is used on.
        clock: The wheel's clock.
        token: Bearer token that goes with every request.
        answer_bytes_max: Largest answer, or item of a stream.
    """

    def __init__(
        self,
        url: str,
        *,
        wheel: TimerWheel,
        clock: Clock,
        token: Secret | None = None,
        answer_bytes_max: int = ANSWER_BYTES_MAX,
    ) -> None:
        self._url, self._wheel, self._monotonic, self._token = url.rstrip("/"), wheel, clock.monotonic, token
        self._bytes_max = answer_bytes_max
        self._makers: dict[str, RequestMaker] = {}
        # Spans are made by whoever calls this; cookies and redirects have no meaning for calls.
        self._transport = HTTPTransport(
            connect_timeout=CONNECT_SECONDS,
            enable_otel=False,
            follow_redirects=False,
            pool_max_idle_per_host=64,
            tls_include_system_certs=True,
        )
        self._client = Client(self._transport)

    async def call(self, service: str, operation: Operation, request: Any, context: CallContext) -> Any:
        """Call an operation with one answer. See `RemoteCaller.call`."""
        name = f"{service}.{operation.name}"
        sent = self._maker(operation).make(request)
        return await run_until(
            self._wheel, self._left(name, context), self._call(name, operation, sent, context), _too_late(name)
        )

    async def stream(
        self, service: str, operation: Operation, request: Any, context: CallContext
    ) -> AsyncIterator[Any]:
        """Call a streaming operation. See `RemoteCaller.stream`."""
        name, late = f"{service}.{operation.name}", _too_late(f"{service}.{operation.name}")
        sent = self._maker(operation).make(request)
        deadline = self._left(name, context)
        opening = self._open(operation, sent, context, NDJSON)
        response = await run_until(self._wheel, deadline, self._answered(name, opening), late)
        try:
            if not 200 <= response.status < 300:
                body = await run_until(self._wheel, deadline, self._read(name, response), late)
                raise refusal_of(name, operation, response.status, body)
            lines = self._lines(name, response)
            while True:
                line = await run_until(self._wheel, deadline, _next(lines), late)
                if line is None:
                    return
                yield _item(name, operation, line)
        finally:
            await opening.__aexit__(None, None, None)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._transport.aclose()

    def _maker(self, operation: Operation) -> RequestMaker:
        maker = self._makers.get(operation.key)
        if maker is None:
            maker = self._makers[operation.key] = RequestMaker(operation)
        return maker

    def _left(self, name: str, context: CallContext) -> float:
        if context.deadline <= self._monotonic():
            raise DeadlineExceeded(f"{name}: the deadline had passed before it was sent", may_have_run=False)
        return context.deadline

    async def _call(self, name: str, operation: Operation, sent: HttpRequest, context: CallContext) -> Any:
        opening = self._open(operation, sent, context, "application/json")
        response = await self._answered(name, opening)
        try:
            body = await self._read(name, response)
        finally:
            await opening.__aexit__(None, None, None)
        if not 200 <= response.status < 300:
            raise refusal_of(name, operation, response.status, body)
        if operation.response in (None, type(None)):
            return None
        try:
            return operation.response_codec.decode_json(body)
        except InvalidArgument as error:
            raise InternalError(f"{name} answered with what its contract does not allow: {error}") from error

    def _open(
        self, operation: Operation, sent: HttpRequest, context: CallContext, accept: str
    ) -> AbstractAsyncContextManager[Response]:
        headers = {"accept": accept, "traceparent": context.trace.traceparent()}
        if context.trace.state:
            headers["tracestate"] = context.trace.state
        if context.deadline != NEVER:
            left = min(max(context.deadline - self._monotonic(), 0.000001), TIMEOUT_SECONDS_MAX)
            headers[TIMEOUT_HEADER] = f"{left:.6f}"
        if operation.kind == "command":
            headers[KEY_HEADER] = context.idempotency_key
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token.reveal()}"
        if sent.body is not None:
            headers["content-type"] = "application/json"
        return self._client.stream(sent.method, self._url + sent.target, headers, sent.body)

    async def _answered(self, name: str, opening: AbstractAsyncContextManager[Response]) -> Response:
        try:
            return await opening.__aenter__()
        except ConnectionError as error:
            raise Unavailable(f"{name}: {self._url} cannot be reached", may_have_run=False) from error
        except _LOST as error:
            raise Unavailable(f"{name}: the connection was lost") from error

    async def _read(self, name: str, response: Response) -> bytes:
        body = bytearray()
        try:
            async for part in response.content:
                body += part
                if len(body) > self._bytes_max:
                    raise InternalError(f"{name}: the answer is larger than {self._bytes_max} bytes")
        except _LOST as error:
            raise Unavailable(f"{name}: the connection was lost") from error
        return bytes(body)

    async def _lines(self, name: str, response: Response) -> AsyncIterator[bytes]:
        """The lines of a stream that say something."""
        rest = bytearray()
        try:
            async for part in response.content:
                rest += part
                *lines, left = rest.split(b"\n")
                rest = bytearray(left)
                for line in lines:
                    if line.strip():
                        yield bytes(line)
                if len(rest) > self._bytes_max:
                    raise InternalError(f"{name}: an item is larger than {self._bytes_max} bytes")
        except _LOST as error:
            raise Unavailable(f"{name}: the connection was lost") from error
        raise Unavailable(f"{name}: the stream broke off")


def check_rest(info: ContractInfo, where: str) -> None:
    """Check that every operation of a contract has an HTTP rule.

    Raises: ConfigError: one has none, so nobody knows how to ask for it over HTTP.
    """
    for name, operation in info.operations.items():
        if operation.http is None:
            fix = 'give it http="GET /..." in the contract'
            raise ConfigError(f"{info.name}.{name} has no HTTP rule, but is called over HTTP", where=where, fix=fix)


def _too_late(name: str) -> Any:
    return lambda: f"{name} was not answered before its deadline"


async def _next(lines: AsyncIterator[bytes]) -> _Line | None:
    try:
        line = msgspec.json.decode(await anext(lines), type=_Line)
    except msgspec.DecodeError as error:
        raise InternalError(f"the stream has a line that is none of a stream: {error}") from error
    return None if line.end else line


def _item(name: str, operation: Operation, line: _Line) -> Any:
    if line.error is not msgspec.UNSET:
        problem = bytes(line.error)
        status = msgspec.json.decode(problem, type=dict[str, Any]).get("status", 500)
        raise refusal_of(name, operation, status if isinstance(status, int) else 500, problem)
    if line.item is msgspec.UNSET:
        raise InternalError(f"{name}: a line of the stream has no item")
    try:
        return operation.response_codec.decode_json(line.item)
    except InvalidArgument as error:
        raise InternalError(f"{name} gave an item that its contract does not allow: {error}") from error
