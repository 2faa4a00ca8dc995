"""Sending answers over ASGI."""

from __future__ import annotations

from ...core.errors import CallError
from .base import ClientGone, Response, Send
from .problem import HttpError, encode_problem, problem_headers, problem_of

RawHeader = tuple[bytes, bytes]

NOSNIFF: RawHeader = (b"x-content-type-options", b"nosniff")
NO_STORE: RawHeader = (b"cache-control", b"no-store")
JSON: RawHeader = (b"content-type", b"application/json")


async def send_all(send: Send, status: int, headers: list[RawHeader], body: bytes) -> None:
    """Send a whole answer at once. Raises ClientGone when the server says that nobody listens."""
    try:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
    except OSError as error:
        raise ClientGone from error


async def send_response(send: Send, response: Response, *extra: RawHeader, head: bool = False) -> None:
    """Send an answer with its length, and without its body when the request was a HEAD."""
    status, content_type, body = response
    headers = [
        (b"content-type", content_type.encode("latin-1")),
        (b"content-length", b"%d" % len(body)),
        NOSNIFF,
        *extra,
    ]
    await send_all(send, status, headers, b"" if head else body)


async def send_problem(
    send: Send, error: CallError | HttpError, challenge: str, *, head: bool = False, trace_id: str | None = None
) -> None:
    """Send an error as its problem document."""
    response = encode_problem(problem_of(error, trace_id))
    await send_response(send, response, NO_STORE, *problem_headers(error, challenge), head=head)
