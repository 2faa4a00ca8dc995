"""The ports of the REST edge, and the shapes of ASGI that it uses.

Authenticator   who a request is made for; the security room or an application gives one
Page            a GET page that is no operation (health, metrics); the runtime gives them
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, NamedTuple, Protocol

from ...core.context import Principal

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

Headers = Mapping[str, str]
"""Names in lower case, values decoded as Latin-1; a repeated header is joined with `, `."""

RawHeaders = dict[bytes, bytes]
"""The same as bytes, as the edge itself reads them."""


class Authenticator(Protocol):
    """Finds out who a request is made for. Called once per request for an operation, before its body is read."""

    async def __call__(self, headers: Headers) -> Principal | None:
        """Look at the headers.

        Returns: the principal; None when the request names nobody, which only operations without a role allow.
        Raises: Unauthenticated: the request names somebody but does not prove it (a bad or expired token).
        """
        ...


class Response(NamedTuple):
    """What a page answers."""

    status: int
    content_type: str
    body: bytes


Page = Callable[[], Awaitable[tuple[int, str, bytes]]]
"""Makes one answer: status, content type, body; a `Response` is such a tuple. It has no arguments and no principal."""


class ClientGone(Exception):
    """The client went away before it had its answer."""
