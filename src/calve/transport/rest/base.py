"""The ports of the REST edge, and the shapes of ASGI that it uses.

Authenticator   who a request is made for; the security room or an application gives one
Page            a GET page that is no operation (health, metrics); the runtime gives them
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, NamedTuple, Protocol

from ...core.context import Principal

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

Headers = Mapping[str, str]
"""Names in lower case, values decoded as Latin-1; a repeated header is joined with `, `."""

RawHeader = tuple[bytes, bytes]
RawHeaders = dict[bytes, bytes]
"""The same as bytes, as the edge itself reads them."""


def joined(headers: Iterable[RawHeader]) -> RawHeaders:
    """Headers by name, repeated ones put together."""
    by_name: RawHeaders = {}
    for name, value in headers:
        by_name[name] = b"%s, %s" % (by_name[name], value) if name in by_name else value
    return by_name


class Authenticator(Protocol):
    """Finds out who a request is made for. Called once per request for an operation, before its body is read."""

    async def __call__(self, headers: Headers) -> Principal | None:
        """Look at the headers.

        Returns: the principal; None when the request names nobody, which only operations without a role allow.
        Raises: Unauthenticated: the request names somebody but does not prove it (a bad or expired token).
        """
        ...


class Guests(Protocol):
    """Other applications beside the operations, such as those that were adopted."""

    def find(self, path: str) -> AsgiApp | None:
        """The one that serves what no operation claims at a decoded path; None when there is none."""
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
