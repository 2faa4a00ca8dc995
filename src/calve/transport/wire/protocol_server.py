"""The serving side of the wire protocol; the rules are drawn in protocol.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ...core.errors import Overloaded, ProtocolError, Unavailable
from .base import WireOptions
from .frames import Cancel, Credit, End, Failure, Frame, Item, Request, Response
from .protocol import (
    BOTH_SIDES,
    CANCELLED,
    CREDIT_MAX,
    HELLO_BYTES_MAX,
    LARGE_BYTES,
    UNARY,
    Output,
    Rule,
    WireConnection,
)


class ServerConnection(WireConnection):
    """Receives requests, cancels and credit; sends what answers them.

    Every request that is handed on has to be ended once, by `send_response`, `send_failure` or `send_end`, even when
    the client has cancelled it: until then it counts towards the bounds, because something still works on it. What a
    bound forbids or what comes after `go_away` is refused here and never handed on.
    """

    __slots__ = ("_held", "_large")
    role = "server"

    def __init__(self, options: WireOptions, output: Output, *, software: str = "") -> None:
        super().__init__(options, output, software=software)
        self._large: dict[int, int] = {}
        self._held = 0

    def credit(self, call_id: int) -> int:
        """Items a stream may send now; 0 also when it is over."""
        return max(0, self._calls.get(call_id, 0))

    def cancelled(self, call_id: int) -> bool:
        """Whether nobody waits for this call any more."""
        return self._calls[call_id] == CANCELLED

    def cancel_all(self) -> None:
        """The client is gone: nobody waits for any call any more."""
        for call_id in self._calls:
            self._calls[call_id] = CANCELLED

    def send_response(self, call_id: int, answer: Any, replayed: bool = False) -> None:
        """End a call with its answer; only forgets the call when the client has given it up.

        Args:
            replayed: Whether an earlier call gave it.
        Raises: FrameTooLarge, InvalidArgument: nothing was sent and the call is still running; send a failure.
        """
        if self._calls[call_id] != CANCELLED:
            self._append(Response(call_id, answer, replayed), self._peer_limit())
        self._over(call_id)

    def send_failure(self, failure: Failure) -> None:
        """End a call with an error; otherwise as `send_response`."""
        if self._calls[failure.id] != CANCELLED:
            self._append(failure, self._peer_limit())
        self._over(failure.id)

    def send_item(self, call_id: int, item: Any) -> None:
        """Send an item of a stream, for which there has to be credit; otherwise as `send_response`."""
        credit = self._calls[call_id]
        if credit != CANCELLED:
            assert credit > 0, "look at `credit` first"
            self._append(Item(call_id, item), self._peer_limit())
            self._calls[call_id] = credit - 1

    def send_end(self, call_id: int) -> None:
        """End a stream; otherwise as `send_response`."""
        if self._calls[call_id] != CANCELLED:
            self._append(End(call_id), HELLO_BYTES_MAX)
        self._over(call_id)

    def _peer_limit(self) -> int:
        assert self.peer is not None, "no call before the peer's hello"
        return self.peer.frame_bytes_max

    def _over(self, call_id: int) -> None:
        del self._calls[call_id]
        if self._large:
            self._held -= self._large.pop(call_id, 0)

    def _on_request(self, request: Request, size: int) -> bool:
        call_id, window = request.id, request.window
        if call_id <= self._last_id:
            return self._fail(ProtocolError(f"the peer began call {call_id} after call {self._last_id}; ids must grow"))
        if not 0 <= window <= CREDIT_MAX:
            return self._fail(
                ProtocolError(f"the peer opened a window of {window} items, at most {CREDIT_MAX} are allowed")
            )
        self._last_id = call_id
        if self._goaway:
            return self._refuse(call_id, Unavailable.code, "this server is stopping")
        if len(self._calls) >= self.options.calls_max:
            limit = f"calls_max = {self.options.calls_max}"
            return self._refuse(call_id, Overloaded.code, f"too many calls in flight on this connection ({limit})")
        if size >= LARGE_BYTES:
            if self._held + size > self.options.request_bytes_max:
                limit = f"request_bytes_max = {self.options.request_bytes_max}"
                return self._refuse(call_id, Overloaded.code, f"too many bytes in flight on this connection ({limit})")
            self._held += size
            self._large[call_id] = size
        self._calls[call_id] = window or UNARY
        return True

    def _refuse(self, call_id: int, code: str, message: str) -> bool:
        self._append(Failure(call_id, code, message, False), HELLO_BYTES_MAX)
        return False

    def _on_cancel(self, cancel: Cancel, size: int) -> bool:
        state = self._calls.get(cancel.id)
        if state is None:
            return self._stray(cancel)
        self._calls[cancel.id] = CANCELLED
        return state != CANCELLED

    def _on_credit(self, credit: Credit, size: int) -> bool:
        state = self._calls.get(credit.id)
        if state is None:
            return self._stray(credit)
        if state == CANCELLED:
            return False
        if state == UNARY:
            return self._fail(ProtocolError(f"the peer gave credit to call {credit.id}, which is not a stream"))
        if credit.items < 1 or state + credit.items > CREDIT_MAX:
            have = f"{credit.items} items of credit to call {credit.id}, which has {state}"
            return self._fail(ProtocolError(f"the peer gave {have}; at most {CREDIT_MAX} are allowed"))
        self._calls[credit.id] = state + credit.items
        return True

    _OPEN: ClassVar[Mapping[type[Frame], Rule]] = {
        **BOTH_SIDES,
        Request: _on_request,
        Cancel: _on_cancel,
        Credit: _on_credit,
    }
