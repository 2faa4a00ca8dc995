"""The calling side of the wire protocol; the rules are drawn in protocol.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ...core.errors import ProtocolError
from .frames import Cancel, Credit, End, Failure, Frame, GoAway, Item, Request, Response
from .protocol import BOTH_SIDES, HELLO_BYTES_MAX, UNARY, Rule, WireConnection


class ClientConnection(WireConnection):
    """Sends requests, cancels and credit; receives what answers them."""

    __slots__ = ()
    role = "client"

    def new_id(self) -> int:
        """The id for the next request."""
        self._last_id += 1
        return self._last_id

    def send_request(self, request: Request) -> None:
        """Begin a call with an id from `new_id`; ids have to be used in order, and may stay unused.

        Raises:
            FrameTooLarge: larger than the peer takes; nothing was sent.
            InvalidArgument: something inside cannot be encoded; nothing was sent.
        """
        assert self.peer is not None, "no call before the peer's hello"
        self._append(request, self.peer.frame_bytes_max)
        self._calls[request.id] = request.window or UNARY

    def send_cancel(self, call_id: int) -> None:
        """Give a call up; nothing of it is delivered any more. Does nothing when it is over already."""
        if self._calls.pop(call_id, None) is not None:
            self._append(Cancel(call_id), HELLO_BYTES_MAX)

    def send_credit(self, call_id: int, items: int) -> None:
        """Let a stream send so many more items. Does nothing when it is over."""
        if call_id in self._calls:
            self._calls[call_id] += items
            self._append(Credit(call_id, items), HELLO_BYTES_MAX)

    def _on_response(self, response: Response, size: int) -> bool:
        state = self._calls.pop(response.id, None)
        if state == UNARY:
            return True
        if state is None:
            return self._stray(response)
        return self._fail(ProtocolError(f"the peer sent one response where call {response.id} is a stream"))

    def _on_failure(self, failure: Failure, size: int) -> bool:
        return self._calls.pop(failure.id, None) is not None or self._stray(failure)

    def _on_item(self, item: Item, size: int) -> bool:
        credit = self._calls.get(item.id)
        if credit is None:
            return self._stray(item)
        if credit <= 0:
            why = "is not a stream" if credit == UNARY else "has no credit left"
            return self._fail(ProtocolError(f"the peer sent an item where call {item.id} {why}"))
        self._calls[item.id] = credit - 1
        return True

    def _on_end(self, end: End, size: int) -> bool:
        state = self._calls.pop(end.id, None)
        if state is None:
            return self._stray(end)
        if state == UNARY:
            return self._fail(ProtocolError(f"the peer ended call {end.id}, which is not a stream"))
        return True

    def _on_goaway(self, goaway: GoAway, size: int) -> bool:
        """What the server does not take is over here, so that its refusals, which may come at once, are ignored."""
        for call_id in [call_id for call_id in self._calls if call_id > goaway.last_id]:
            del self._calls[call_id]
        return True

    _OPEN: ClassVar[Mapping[type[Frame], Rule]] = {
        **BOTH_SIDES,
        GoAway: _on_goaway,
        Response: _on_response,
        Failure: _on_failure,
        Item: _on_item,
        End: _on_end,
    }
