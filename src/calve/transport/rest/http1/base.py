"""The short way from the server to an application that knows it: what ASGI's messages say, without the messages.

An application that has a method `direct` is given each request as it is, instead of a scope, `receive` and `send`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from ..base import Event, RawHeader, RawHeaders, Scope


class Direct(Protocol):
    """One request, as the server itself has it. It is answered with `answer`, or else with `send`."""

    method: str
    raw_path: bytes
    """Path as it came; ASCII."""
    query: bytes
    fields: RawHeaders
    """Headers by name in lower case; repeated ones joined."""
    head_bytes: int
    """Size of the head, at most."""
    on_gone: Callable[[], None] | None
    """Called once, when the client goes away before it has its answer."""

    def scope(self) -> Scope:
        """The request for an ASGI application, which then gets `receive` and `send` as well."""
        ...

    def whole_body(self) -> bytes | None:
        """The body, if all of it has arrived; None if it has not, and has to be received in pieces."""
        ...

    async def receive(self) -> Event:
        """ASGI's receive."""
        ...

    async def send(self, event: Event) -> None:
        """ASGI's send. Raises OSError when the client is gone."""
        ...

    def cancel(self) -> None:
        """Cancel the task that runs the application for this request."""
        ...

    def answer(self, status: int, headers: Sequence[RawHeader], body: bytes, *, sized: bool = True) -> None:
        """Send a whole answer; a HEAD request, 204 and 304 get its headers only.

        Args:
            headers: Names in lower case, without those that frame the answer (length, connection, date). How a tuple is
                written is remembered; for headers that vary, give a list.
            sized: Whether the answer to HEAD tells the length of `body`.
        Raises:
            ConnectionResetError: the client is gone.
            ValueError: a header cannot be sent, and nothing was.
        """
        ...


class DirectApp(Protocol):
    """An application that takes the short way."""

    def direct(self, request: Direct) -> Awaitable[None]:
        """Answer one request."""
        ...
