"""The calling side of the wire: one call from request to answer.

    call: pick a connection ── none ready ──> wait for one, until the deadline    (nothing was sent: may_have_run=False)
          send, wait
            response   -> decoded answer
            failure    -> the error it stands for
            expired    -> DeadlineExceeded        the server was told to stop
            not taken  -> once more from the start, on another connection
            lost       -> Unavailable(may_have_run=True)

A cancelled caller cancels its call on the server as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, NoReturn, cast

from ...contract import Operation
from ...core.clock import Clock
from ...core.context import CallContext
from ...core.deadline import NEVER, TimerWheel
from ...core.errors import DeadlineExceeded, InternalError, InvalidArgument, Overloaded, Unavailable
from ...core.idempotency import REPLAYED
from .address import Address
from .base import DEFAULT_OPTIONS, Resolver, WireOptions
from .channel import Channel
from .client_link import EXPIRED, NOT_TAKEN, ClientLink, Lost, Outcome
from .dialling import Dialler, SocketDialler
from .errors import FrameTooLarge
from .failures import bad_answer, error_of, lost
from .frames import TIMEOUT_MS_MAX, End, Failure, Item, Request, Response
from .inbox import Inbox
from .routes import Route, Routes
from .served import target_of
from .tls import TlsOptions

_NO_ROLES: frozenset[str] = frozenset()

SICK = frozenset({DeadlineExceeded.code, InternalError.code, Overloaded.code, Unavailable.code})
"""Failures that may be the server's own; the others say that it is well and the call was not."""

RESOLVE_SECONDS = 0.1
"""How often a call that waits for a connection asks the resolver again."""


class WireClient:
    """Calls services wherever the resolver says they are.

    Args:
        resolver: Where services are.
        wheel: Timer wheel of the loop it is used on.
        clock: The wheel's clock.
        options: Bounds and patience.
        tls: Certificates for `tls://` addresses.
        software: Name and version told to servers.
        dialler: Makes connections; sockets unless a test has its own.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        wheel: TimerWheel,
        clock: Clock,
        options: WireOptions = DEFAULT_OPTIONS,
        tls: TlsOptions | None = None,
        software: str = "calve",
        dialler: Dialler | None = None,
    ) -> None:
        self._wheel, self._clock, self._monotonic = wheel, clock, clock.monotonic
        self._options, self._software = options, software
        self._loop = asyncio.get_running_loop()
        self._dialler = dialler or SocketDialler(tls)
        self._routes = Routes(resolver, self._new_channel)
        self._waiting: dict[asyncio.Future[None], None] = {}  # in order: whoever waits longest goes first
        self._closed = False

    async def call(self, service: str, operation: Operation, request: Any, context: CallContext) -> Any:
        """Call an operation with one answer.

        Args:
            service: Which service; the resolver knows where it is.
            operation: Of the service's contract, as this side was built for it.
            request: Instance of `operation.request`.
            context: Deadline, principal, trace and, for commands, the idempotency key.
        Returns: the answer, checked against the contract.
        Raises:
            DomainError: one that the operation declares.
            CallError: `may_have_run` is False only when it is certain that the operation did not start.
        """
        deadline = context.deadline
        while True:
            route = self._routes.to(service)
            link = route.pick()
            if link is None:
                # The arguments are those of this moment: the caller may go on and change them while this waits.
                request = operation.request_codec.copy(request)
                link = await self._wait_for_link(route, deadline)
            call_id = self._send(link, route, operation, request, context, 0)
            waiter = self._loop.create_future()
            link.wait(call_id, waiter, deadline, operation.idempotent)
            try:
                outcome = await waiter
            except asyncio.CancelledError:
                link.abandon(call_id)
                raise
            if type(outcome) is Response:
                if link.fitness.marked:
                    link.fitness.succeeded(self._loop.time())
                if outcome.replayed:
                    context.mark = REPLAYED
                try:
                    return operation.response_codec.decode(outcome.body)
                except InvalidArgument as error:
                    raise bad_answer(operation, error) from error
            if outcome is not NOT_TAKEN:
                self._judge(link, outcome)
                if type(outcome) is Failure and outcome.replayed:
                    context.mark = REPLAYED
                self._raise(outcome, route, operation)

    async def stream(
        self, service: str, operation: Operation, request: Any, context: CallContext
    ) -> AsyncIterator[Any]:
        """Call a streaming operation; nothing is sent before the first item is asked for.

        Leaving early (`aclose`, which `async for` needs help with: see `contextlib.aclosing`) cancels it on the server.

        Args: as for `call`.
        Yields: the items, checked against the contract.
        Raises: as `call`, before the first item or between two.
        """
        deadline = context.deadline
        while True:
            route = self._routes.to(service)
            link = route.pick()
            if link is None:
                # The arguments are those of this moment: the caller may go on and change them while this waits.
                request = operation.request_codec.copy(request)
                link = await self._wait_for_link(route, deadline)
            inbox = Inbox(link, self._options.window_items)
            inbox.call_id = self._send(link, route, operation, request, context, self._options.window_items)
            link.wait(inbox.call_id, inbox, deadline)
            try:
                while type(step := await inbox.next()) is Item:
                    try:
                        item = operation.response_codec.decode(step.body)
                    except InvalidArgument as error:
                        raise bad_answer(operation, error) from error
                    yield item
            finally:
                link.abandon(inbox.call_id)
            if step is not NOT_TAKEN:
                self._judge(link, cast(Outcome, step))
            if type(step) is End:
                return
            if step is not NOT_TAKEN:
                self._raise(cast(Outcome, step), route, operation)

    async def close(self) -> None:
        """End all connections; calls in flight fail with Unavailable. Idempotent."""
        self._closed = True
        self._wake_waiting()
        await self._routes.close("the client has closed")

    def _send(
        self, link: ClientLink, route: Route, operation: Operation, argument: Any, context: CallContext, window: int
    ) -> int:
        """Put the request into the connection's buffer; returns the call's id."""
        timeout_ms = None
        if context.deadline != NEVER:
            left = context.deadline - self._monotonic()
            if left <= 0:
                raise DeadlineExceeded(
                    f"{_name(route, operation)} was not sent: the deadline had passed", may_have_run=False
                )
            timeout_ms = min(int(left * 1000) + 1, TIMEOUT_MS_MAX)
        target = route.targets.get(operation)
        if target is None:
            target = route.targets[operation] = target_of(route.service, operation)
        trace, principal = context.given_trace, context.principal
        connection = link.connection
        request = Request(
            connection.new_id(),
            target,
            timeout_ms,
            argument,
            context.given_key if operation.deduplicated else None,
            None if trace is None else trace.traceparent(),
            "" if trace is None else trace.state,
            None if principal is None else principal.subject,
            _NO_ROLES if principal is None else principal.roles,
            window,
            context.caller,
        )
        try:
            connection.send_request(request)
        except FrameTooLarge as error:
            raise InvalidArgument(f"the request of {_name(route, operation)} {error}") from error
        return request.id

    def _judge(self, link: ClientLink, outcome: Outcome) -> None:
        """Note what an outcome says of its server; a lost connection was noted with its channel."""
        if outcome is EXPIRED or (type(outcome) is Failure and outcome.code in SICK):
            link.fitness.failed(self._loop.time())
        elif link.fitness.marked and type(outcome) is not Lost:
            link.fitness.succeeded(self._loop.time())

    def _raise(self, outcome: Outcome, route: Route, operation: Operation) -> NoReturn:
        name = _name(route, operation)
        if isinstance(outcome, Failure):
            raise error_of(outcome, operation)
        if outcome is EXPIRED:
            raise DeadlineExceeded(f"{name} gave no answer before its deadline")
        assert isinstance(outcome, Lost), "an end belongs to a stream, and what was not taken is tried again"
        raise lost(f"{name} was lost during the call: {outcome.reason}")

    # Connections ---------------------------------------------------------------------------------------------------

    def _new_channel(self, address: Address, late: bool) -> Channel:
        return Channel(
            address,
            dialler=self._dialler,
            options=self._options,
            software=self._software,
            wheel=self._wheel,
            clock=self._clock,
            on_change=self._wake_waiting,
            late=late,
        )

    async def _wait_for_link(self, route: Route, deadline: float) -> ClientLink:
        """A connection that can take a call; the slow path.

        Raises: Unavailable, Overloaded: there was none before the deadline, or there can be none; nothing was sent.
        """
        while True:
            route = self._routes.to(route.service)
            link = route.pick()
            if link is not None and not self._closed:
                return link
            service, now = route.service, self._monotonic()
            if self._closed:
                raise Unavailable(f"{service} was not called: the client is closed", may_have_run=False)
            if route.all_full():
                raise Overloaded(f"{service} was not called: its servers take no more calls on these connections")
            if route.hopeless() or now >= deadline:
                when = "" if now < deadline else " before the deadline"
                raise Unavailable(f"{service} could not be reached{when}: {route.reasons()}", may_have_run=False)
            for channel in route.channels:
                channel.want()
            await self._change(min(deadline, now + RESOLVE_SECONDS))

    async def _change(self, until: float) -> None:
        """Wait until some channel has changed, but not beyond a point in time."""
        waiting: asyncio.Future[None] = self._loop.create_future()
        self._waiting[waiting] = None
        timer = self._wheel.arm(until, partial(_wake, waiting))
        try:
            await waiting
        finally:
            timer.disarm()
            del self._waiting[waiting]

    def _wake_waiting(self) -> None:
        for waiting in self._waiting:
            _wake(waiting)


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def _name(route: Route, operation: Operation) -> str:
    return f"{route.service}.{operation.name}"
