"""A WebSocket that tells the price of what it is asked for."""

from __future__ import annotations

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from ..models import Item

router = APIRouter()


@router.websocket("/prices")
async def prices(socket: WebSocket) -> None:
    """One message per question, until the client has enough."""
    await socket.accept()
    items: dict[str, Item] = socket.state.items
    try:
        while True:
            name = await socket.receive_text()
            await socket.send_json({"name": name, "cents": items[name].cents if name in items else None})
    except WebSocketDisconnect:
        return
