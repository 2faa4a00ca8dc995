"""What an ASGI server asks besides HTTP requests."""

from __future__ import annotations

from .base import Receive, Scope, Send


async def refuse_other(scope: Scope, receive: Receive, send: Send) -> None:
    """Go through the lifespan protocol, which has nothing to do here; refuse WebSockets."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1000})
        return
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return
