"""One HTTP request and its answer, as the targets of the router handle it.

    Exchange ─┬─ AsgiExchange      any ASGI server's scope, receive and send           exchange_asgi.py
              └─ DirectExchange    our own server's request, without ASGI's messages   exchange_direct.py

It also notices a client that is slow or gone: then `slow` or `gone` is set and the task that answers is cancelled.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from ...core.deadline import TimerWheel
from ...core.errors import CallError
from .base import Event, RawHeader, RawHeaders, Response
from .options import RestOptions
from .problem import HttpError, encode_problem, problem_headers, problem_of

NOSNIFF: RawHeader = (b"x-content-type-options", b"nosniff")
NO_STORE: RawHeader = (b"cache-control", b"no-store")
JSON: RawHeader = (b"content-type", b"application/json")


class Exchange(ABC):
    """A request being answered. Belongs to the task that answers it."""

    __slots__ = ("_options", "gone", "headers", "method", "query", "slow", "started", "values", "wheel")

    method: str
    query: bytes
    """As it came."""
    headers: RawHeaders
    values: tuple[str, ...]
    """Texts of the path's parameters; set once the path has been found."""
    gone: bool
    """Whether the client is."""
    slow: bool
    """Whether its body took too long."""
    started: bool
    """Whether the answer has begun."""
    wheel: TimerWheel

    def __init__(self, method: str, query: bytes, wheel: TimerWheel, options: RestOptions) -> None:
        self.method, self.query, self.wheel, self._options = method, query, wheel, options
        self.gone = self.slow = self.started = False

    @property
    def header_bytes(self) -> int:
        """Size of names and values together, or anything above it that is small enough."""
        return sum(map(len, self.headers.values())) + sum(map(len, self.headers))

    @property
    def head(self) -> bool:
        """Whether only the headers of the answer are wanted."""
        return self.method == "HEAD"

    def whole_body(self) -> bytes | None:
        """The body, if it has arrived already and nothing has to be waited for."""
        return None

    @abstractmethod
    def watch(self, now: float) -> None:
        """Start to watch the client; `now` is in seconds on the wheel's clock."""

    @abstractmethod
    def reading(self, until: float) -> None:
        """A body is expected, until so many seconds on the wheel's clock."""

    @abstractmethod
    def read(self) -> None:
        """The body has arrived."""

    @abstractmethod
    def close(self) -> None:
        """Stop watching.

        Leaves no reference from here to what refers to this exchange: a cycle would keep the request alive until the
        garbage collector comes, and with it, on granian, a connection whose body was not read to its end.
        """

    @abstractmethod
    async def receive(self) -> Event:
        """ASGI's receive; nobody else may receive."""

    @abstractmethod
    async def send(self, event: Event) -> None:
        """ASGI's send, for answers in pieces. Raises OSError when nobody listens."""

    @abstractmethod
    async def answer(self, status: int, headers: Sequence[RawHeader], body: bytes, *, sized: bool = True) -> None:
        """Send a whole answer.

        Args:
            headers: Without the length. A tuple for those that are always the same.
            sized: Whether an answer to HEAD tells the length of `body`.
        Raises: ClientGone when the server says that nobody listens.
        """

    async def answer_with(self, response: Response, *extra: RawHeader) -> None:
        """Send a page, a problem or the like."""
        status, content_type, body = response
        await self.answer(status, [(b"content-type", content_type.encode("latin-1")), NOSNIFF, *extra], body)

    async def refuse(self, error: CallError | HttpError, trace_id: str | None = None) -> None:
        """Send an error as its problem document; a no-op when an answer has begun."""
        if self.started:
            return
        headers = problem_headers(error, self._options.www_authenticate)
        await self.answer_with(encode_problem(problem_of(error, trace_id)), NO_STORE, *headers)
