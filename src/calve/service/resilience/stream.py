"""One guarded stream: breaker and slot as for other calls. It is never repeated: nobody knows what was seen of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from ...contract import DomainError
from ...contract.endpoint import StreamHandler
from ...core.context import CallContext
from ...core.errors import CallError, Overloaded
from .guard import Guard


def guard_stream(guard: Guard, inner: StreamHandler) -> StreamHandler:
    """Put a guard in front of the handler of a stream."""
    breaker, slots = guard.breaker, guard.slots

    async def handle(context: CallContext, request: Any) -> AsyncIterator[Any]:
        now = guard.monotonic()
        context.deadline = min(context.deadline, now + guard.policy.timeout_seconds)
        untold = tries = await _enter(guard, context, now)
        try:
            items = inner(context, request)
            try:
                async for item in items:
                    if untold:
                        untold = breaker.tried(True)
                    yield item
            finally:
                await items.aclose()  # type: ignore[attr-defined]
            untold = untold and breaker.tried(True)
            breaker.ok += 1
        except DomainError:
            untold = untold and breaker.tried(True)
            breaker.ok += 1
            raise
        except CallError as error:
            if guard.is_sick(error):
                breaker.failed(guard.monotonic(), error.code)
            raise
        finally:
            if untold:
                breaker.tried(False)
            if not tries:
                slots.leave()

    return handle


async def _enter(guard: Guard, context: CallContext, now: float) -> bool:
    """Get past breaker and slots; whether it was let through an open breaker, and then without a slot."""
    breaker, slots = guard.breaker, guard.slots
    try:
        if breaker.open:
            breaker.admit(now)
            return True
        if slots.used < slots.calls_max:
            slots.used += 1
        else:
            await slots.wait(context.deadline - now)
    except CallError as error:
        guard.counts.add("overloaded" if isinstance(error, Overloaded) else "not_sent")
        raise
    return False
