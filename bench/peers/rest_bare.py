"""The limit: an ASGI function that reads the body, decodes it with msgspec, encodes the answer. No routes."""

from __future__ import annotations

from typing import Any

import msgspec

from ..messages import Answer, Debit

_decode = msgspec.json.Decoder(Debit).decode
_encode = msgspec.json.Encoder().encode


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer every request as if it were the debit."""
    body = b""
    more = True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
    order = _decode(body)
    answer = _encode(Answer(ok=True, balance=order.amount_cents))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})
