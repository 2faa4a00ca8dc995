"""A fake beside the port `RemoteCaller`: answers prepared by the test, and a record of what was sent.

    remote = FakeRemote({"wallet.debit": Balance(cents=5), "wallet.balance": UnknownWallet(owner=owner)})
    …
    assert remote.requests("wallet.debit") == [{"owner": owner, "cents": 3}]

Requests and answers go through the codec, as on a wire.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import msgspec

from ...contract import DomainError, Operation
from ...core.context import CallContext


class SentCall(NamedTuple):
    """One call that was made."""

    name: str
    """`service.operation`."""
    request: dict[str, Any]
    """Arguments by name, as they arrived."""
    context: CallContext


class FakeRemote:
    """Implements `RemoteCaller`.

    Args:
        answers: By `service.operation`: the answer (for a stream: a list of items), an exception to raise (in a list:
            after the items before it), or a function of the request that returns one of these, or awaits first.
    """

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self.answers: dict[str, Any] = dict(answers or {})
        self.calls: list[SentCall] = []
        self.closed_streams = 0
        """Streams that ended or were closed by their consumer."""

    def requests(self, name: str) -> list[dict[str, Any]]:
        """Arguments of all calls of one operation, oldest first."""
        return [call.request for call in self.calls if call.name == name]

    async def call(self, service: str, operation: Operation, request: Any, context: CallContext) -> Any:
        """See `RemoteCaller.call`. Raises LookupError: no answer was prepared."""
        answer = await self._answer(service, operation, request, context)
        return operation.response_codec.copy(_raised(answer))

    async def stream(
        self, service: str, operation: Operation, request: Any, context: CallContext
    ) -> AsyncIterator[Any]:
        """See `RemoteCaller.stream`. Raises LookupError: no answer was prepared."""
        try:
            for item in _raised(await self._answer(service, operation, request, context)):
                yield operation.response_codec.copy(_raised(item))
        finally:
            self.closed_streams += 1

    async def _answer(self, service: str, operation: Operation, request: Any, context: CallContext) -> Any:
        name, arrived = f"{service}.{operation.name}", operation.request_codec.copy(request)
        self.calls.append(SentCall(name, msgspec.structs.asdict(arrived), context))
        if name not in self.answers:
            raise LookupError(f"no answer prepared for {name}; there are: {', '.join(sorted(self.answers)) or 'none'}")
        answer = self.answers[name]
        if callable(answer):
            answer = answer(arrived)
            if hasattr(answer, "__await__"):
                answer = await answer
        return answer


def _raised(answer: Any) -> Any:
    """The answer, unless it is an exception."""
    if isinstance(answer, DomainError):
        raise type(answer).from_fields(answer.fields())
    if isinstance(answer, BaseException):
        raise answer
    return answer
