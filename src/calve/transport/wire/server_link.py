"""One client, as the server sees it: requests become tasks, tasks end calls.

    request -> decode, context -> task: endpoint.handle -> response | failure
                               -> task: endpoint.stream -> item … end | failure   (waits for credit and for a slow peer)
    cancel, connection lost    -> task.cancel()

Every task ends its call exactly once, which is what `ServerConnection` counts on.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from contextvars import Context
from typing import Any, cast

from ...core.clock import Clock
from ...core.context import CallContext, Principal
from ...core.deadline import NEVER, TimerWheel
from ...core.errors import (
    CallError,
    DeadlineExceeded,
    InternalError,
    InvalidArgument,
    Unavailable,
    UnknownOperation,
)
from ...core.idempotency import REPLAYED
from .base import WireOptions
from .errors import FrameTooLarge
from .failures import call_failure, failure_of, unsendable
from .frames import AnyFrame, Cancel, Credit, GoAway, Hello, Request
from .link import Link
from .protocol_server import ServerConnection
from .served import Served, ServedOperations

if sys.version_info >= (3, 12):

    def _start(
        loop: asyncio.AbstractEventLoop, body: Coroutine[Any, Any, None], context: Context
    ) -> asyncio.Task[None]:
        """Run `body` at once up to its first real suspension; a handler that never waits costs no turn of the loop."""
        return asyncio.Task(body, loop=loop, context=context, eager_start=True)

else:

    def _start(
        loop: asyncio.AbstractEventLoop, body: Coroutine[Any, Any, None], context: Context
    ) -> asyncio.Task[None]:
        return loop.create_task(body, context=context)


class ServerLink(Link):
    """One accepted connection.

    Args:
        served: What can be called.
        wheel, clock: For deadlines.
        surroundings: Context variables that every call starts with; nothing of whoever connected.
        on_begin: Called with this link when its transport is there.
        on_idle: Called when the last running call ends.
        on_end: Called with this link when its transport and its last task have ended.
    """

    connection: ServerConnection

    def __init__(
        self,
        served: ServedOperations,
        *,
        wheel: TimerWheel,
        clock: Clock,
        options: WireOptions,
        loop: asyncio.AbstractEventLoop,
        surroundings: Context,
        software: str,
        on_begin: Callable[[ServerLink], None],
        on_idle: Callable[[], None],
        on_end: Callable[[ServerLink], None],
    ) -> None:
        super().__init__(options, loop)
        self._stopping = False
        self._last = False
        """Whether the only running call is just being answered."""
        self.connection = ServerConnection(options, self, software=software)
        self._served, self._exact = served, served.exact
        self._wheel, self._clock, self._surroundings = wheel, clock, surroundings
        self._on_begin, self._on_idle, self._on_end = on_begin, on_idle, on_end
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._waiting: dict[int, asyncio.Future[None]] = {}

    @property
    def running(self) -> int:
        """Calls something still works on."""
        return self.connection.calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there. (A TLS handshake that fails never gets here.)"""
        super().connection_made(transport)
        self._on_begin(self)

    def on_frame(self, frame: AnyFrame) -> None:
        """Requests, cancels and credit; the rest was dealt with below."""
        kind = type(frame)
        if kind is Request:
            self._begin(cast(Request, frame))
        elif kind is Cancel:
            self._cancel(cast(Cancel, frame).id)
        elif kind is Credit:
            self._resume(cast(Credit, frame).id)
        elif kind is Hello:
            self.greeted()
        elif kind is GoAway:
            self.reason = self.reason or f"the client hung up: {cast(GoAway, frame).reason}"

    def on_lost(self) -> None:
        """Nobody waits for the answers any more. The link has not ended before its last task has."""
        self.connection.cancel_all()
        self._cancel_all()
        if not self._tasks:
            self._on_end(self)

    def pause_writing(self) -> None:
        """A client that does not read its answers may not ask for more."""
        super().pause_writing()
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        if self._transport is not None:
            self._transport.resume_reading()

    def wake(self) -> None:
        """Send soon, together with the answers of other calls; at once (when the call has ended) if there are none."""
        if not self._last:
            super().wake()

    def stop_calls(self) -> None:
        """Cancel what is running; its callers are told that it may have run."""
        self._stopping = True
        self._cancel_all()

    # Calls ---------------------------------------------------------------------------------------------------------

    def _begin(self, request: Request) -> None:
        call_id = request.id
        try:
            served = self._exact.get(request.target) or self._served.find(request.target)
            if (served.stream is None) != (request.window == 0):
                raise UnknownOperation(
                    f"{served.name} is {'one answer' if served.stream is None else 'a stream'} in this unit's contract "
                    f"{served.operation.contract} {served.operation.version} and not in the caller's {request.target}"
                )
            context = self._context(request, served)
            argument = served.decode(request.body)
        except CallError as error:
            self.connection.send_failure(call_failure(call_id, error))
            return
        body = self._answer if served.stream is None else self._stream
        task = _start(self.loop, body(call_id, served, context, argument), self._surroundings.copy())
        if not task.done():
            self._tasks[call_id] = task

    def _context(self, request: Request, served: Served) -> CallContext:
        timeout_ms, subject = request.timeout_ms, request.subject
        context = CallContext(
            served.name,
            NEVER if timeout_ms is None else self._clock.monotonic() + timeout_ms * 0.001,
            None if subject is None else Principal(subject, request.roles),
            (request.traceparent or "", request.tracestate),
            request.key,
        )
        context.caller = request.caller
        return context

    async def _answer(self, call_id: int, served: Served, context: CallContext, request: Any) -> None:
        try:
            answer = await served.handle(context, request)
            self._last = len(self._tasks) == 1 and call_id in self._tasks
            try:
                self.connection.send_response(call_id, answer, context.mark is REPLAYED)
            except (FrameTooLarge, InvalidArgument) as error:
                self.connection.send_failure(unsendable(call_id, served.operation, error))
        except asyncio.CancelledError:
            self._end_cancelled(call_id, served)
            raise
        except Exception as error:  # noqa: BLE001  (whatever an endpoint raises, its caller gets an answer)
            self._end_failed(call_id, served, error, context.mark is REPLAYED)
        finally:
            self._ended(call_id)

    async def _stream(self, call_id: int, served: Served, context: CallContext, request: Any) -> None:
        connection = self.connection
        assert served.stream is not None
        try:
            # Every stream handler is an async generator; closing it is what tells the producer that nobody listens.
            async with aclosing(cast(Any, served.stream(context, request))) as items:
                async for item in items:
                    if not self.writable:
                        await self.until_writable()
                    if not connection.credit(call_id):
                        await self._until_credit(call_id, served, context)
                    try:
                        connection.send_item(call_id, item)
                    except (FrameTooLarge, InvalidArgument) as error:
                        connection.send_failure(unsendable(call_id, served.operation, error))
                        return
            connection.send_end(call_id)
        except asyncio.CancelledError:
            self._end_cancelled(call_id, served)
            raise
        except Exception as error:  # noqa: BLE001  (as above)
            self._end_failed(call_id, served, error)
        finally:
            self._ended(call_id)

    def _end_failed(self, call_id: int, served: Served, error: Exception, replayed: bool = False) -> None:
        try:
            self.connection.send_failure(failure_of(call_id, served.operation, error, replayed))
        except (FrameTooLarge, InvalidArgument) as problem:
            self.connection.send_failure(unsendable(call_id, served.operation, problem))

    def _end_cancelled(self, call_id: int, served: Served) -> None:
        """The client cancelled (nothing is sent), the server stops, or something inside the operation cancelled it."""
        if self._stopping:
            error: CallError = Unavailable(f"{served.name} was cut off: this server has stopped", may_have_run=True)
        else:
            error = InternalError(f"{served.name} was cancelled from within")
        self.connection.send_failure(call_failure(call_id, error))

    def _ended(self, call_id: int) -> None:
        self._tasks.pop(call_id, None)
        if not self._tasks:
            self._last = False
            self.flush()
            if self.closed.done():
                self._on_end(self)
            self._on_idle()

    def _cancel_all(self) -> None:
        for call_id in list(self._tasks):
            self._cancel(call_id)

    def _cancel(self, call_id: int) -> None:
        task = self._tasks.get(call_id)
        if task is not None and task.cancel():
            # A task that is cancelled before its first step never enters its body, so it cannot end its call itself.
            task.add_done_callback(lambda _: self._end_unstarted(call_id))

    def _end_unstarted(self, call_id: int) -> None:
        if call_id in self._tasks:
            error = Unavailable("cancelled before it started", may_have_run=False)
            self.connection.send_failure(call_failure(call_id, error))
            self._ended(call_id)

    # Credit --------------------------------------------------------------------------------------------------------

    def _resume(self, call_id: int) -> None:
        waiting = self._waiting.pop(call_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def _until_credit(self, call_id: int, served: Served, context: CallContext) -> None:
        """Hold the producer until the consumer has taken items, but not beyond the deadline."""
        if self.connection.cancelled(call_id):  # the producer was told, and went on
            raise asyncio.CancelledError
        waiting = self._waiting[call_id] = self.loop.create_future()
        timer = None
        if context.deadline != NEVER:
            timer = self._wheel.arm(context.deadline, lambda: self._resume(call_id))
        try:
            await waiting
        finally:
            self._waiting.pop(call_id, None)
            if timer is not None:
                timer.disarm()
        if not self.connection.credit(call_id):
            raise DeadlineExceeded(f"{served.name}: its consumer did not take the items before the deadline")
