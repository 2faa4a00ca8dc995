"""One HTTP request and its answer, as the targets of the router handle it.

It also notices a client that is slow or gone. Listening for that costs a task and a round through the HTTP server, more
than many calls cost altogether, and most are over in milliseconds; so one timer on the wheel stands for both, and what
it does when it fires depends on how far the exchange is:

    armed ──fires while the body is arriving──> armed for the body's deadline ──fires──> `slow`, task cancelled
                                                └──body arrives──> armed
    armed ──fires while the call is running───> listening ──client disconnects──> `gone`, task cancelled
    armed ──close──> over                                                          (nearly always)
"""

from __future__ import annotations

import asyncio

from ...core.deadline import Timer, TimerWheel
from ...core.errors import CallError
from .base import ClientGone, RawHeaders, Receive, Response, Scope, Send
from .options import RestOptions
from .problem import HttpError, encode_problem, problem_headers, problem_of

RawHeader = tuple[bytes, bytes]

NOSNIFF: RawHeader = (b"x-content-type-options", b"nosniff")
NO_STORE: RawHeader = (b"cache-control", b"no-store")
JSON: RawHeader = (b"content-type", b"application/json")


class Exchange:
    """A request being answered. Belongs to the task that answers it.

    Args:
        scope: Of ASGI.
        receive: Of ASGI; nobody else may receive.
        send: Of ASGI.
        wheel: Timer wheel of `loop`.
        loop: The running loop.
        options: Times.
    """

    __slots__ = (
        "_listener",
        "_loop",
        "_options",
        "_reading_until",
        "_task",
        "_timer",
        "_waits_for_body",
        "gone",
        "headers",
        "method",
        "query",
        "receive",
        "send",
        "slow",
        "started",
        "values",
        "wheel",
    )

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        wheel: TimerWheel,
        loop: asyncio.AbstractEventLoop,
        options: RestOptions,
    ) -> None:
        self.receive, self.send, self.wheel = receive, send, wheel
        self.method: str = scope["method"]
        self.query: bytes = scope["query_string"]
        self.headers: RawHeaders
        """Set once the path has been found."""
        self.values: tuple[str, ...]
        """Texts of the path's parameters."""
        self.gone = self.slow = self.started = self._waits_for_body = False
        self._loop, self._options = loop, options
        self._task: asyncio.Task[object] | None = None
        self._timer: Timer | None = None
        self._listener: asyncio.Task[None] | None = None
        self._reading_until = 0.0

    @property
    def head(self) -> bool:
        """Whether only the headers of the answer are wanted."""
        return self.method == "HEAD"

    def watch(self, now: float) -> None:
        """Start to watch the client; `now` is in seconds on the wheel's clock."""
        self._task = asyncio.current_task(self._loop)
        self._timer = self.wheel.arm(now + self._options.watch_after_seconds, self._fire)

    def reading(self, until: float) -> None:
        """A body is expected, until so many seconds on the wheel's clock."""
        self._reading_until = until

    def read(self) -> None:
        """The body has arrived."""
        self._reading_until = 0.0
        if self._waits_for_body:
            self._waits_for_body = False
            assert self._timer is not None, "it has fired once"
            self._timer.disarm()
            self._timer = self.wheel.arm(0.0, self._fire)

    def close(self) -> None:
        """Stop watching.

        Leaves no reference from here to what refers to this exchange: a cycle would keep the request alive until the
        garbage collector comes, and with it, on granian, a connection whose body was not read to its end.
        """
        if self._timer is not None:
            self._timer.disarm()
            self._timer = self._task = None
        if self._listener is not None:
            self._listener.cancel()
            self._listener = None

    def _fire(self) -> None:
        if not self._reading_until:
            self._listener = self._loop.create_task(self._listen())
        elif self._waits_for_body:
            self.slow = True
            self._cancel()
        else:
            self._waits_for_body = True
            self._timer = self.wheel.arm(self._reading_until, self._fire)

    async def _listen(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":  # what is left of the body is of no interest
            pass
        self.gone = True
        self._cancel()

    def _cancel(self) -> None:
        assert self._task is not None, "watching began in a task"
        self._task.cancel()

    async def answer(self, status: int, headers: list[RawHeader], body: bytes) -> None:
        """Send a whole answer. Raises ClientGone when the server says that nobody listens."""
        self.started = True
        try:
            await self.send({"type": "http.response.start", "status": status, "headers": headers})
            await self.send({"type": "http.response.body", "body": b"" if self.head else body})
        except OSError as error:
            raise ClientGone from error

    async def answer_with(self, response: Response, *extra: RawHeader) -> None:
        """Send a page, a problem or the like."""
        status, content_type, body = response
        kind, length = content_type.encode("latin-1"), b"%d" % len(body)
        await self.answer(status, [(b"content-type", kind), (b"content-length", length), NOSNIFF, *extra], body)

    async def refuse(self, error: CallError | HttpError, trace_id: str | None = None) -> None:
        """Send an error as its problem document; a no-op when an answer has begun."""
        if self.started:
            return
        headers = problem_headers(error, self._options.www_authenticate)
        await self.answer_with(encode_problem(problem_of(error, trace_id)), NO_STORE, *headers)
