"""One guarded call with one answer.

    breaker    open: CircuitOpen, or this call is the one that tries
    slot       none free: wait, or Overloaded
    attempt    an answer, or an error that says how the callee is
    repeat     if the error is worth it, the deadline leaves time, the budget allows it and the breaker is still closed
    fallback   instead of the error, if the policy has one

The way of a call in which nothing fails is written out in one function: every coroutine more would cost as much as all
the rest of it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ...contract import DomainError
from ...contract.endpoint import Handler
from ...core.context import CallContext
from ...core.deadline import NEVER
from ...core.errors import CallError, Overloaded
from ...core.trace import TraceContext
from .budget import KEPT_MAX
from .fallback import stands_in
from .guard import Guard
from .retry import next_pause, worth_repeating


def guard_unary(guard: Guard, inner: Handler) -> Handler:
    """Put a guard in front of a handler, which carries one attempt. Returns: a handler for whole calls."""
    policy, breaker, slots, budget = guard.policy, guard.breaker, guard.slots, guard.budget
    timeout, attempt_seconds, share = policy.timeout_seconds, policy.attempt_seconds, policy.retry_budget
    monotonic = guard.monotonic
    makes_key = guard.remote and guard.operation.deduplicated

    async def handle(context: CallContext, request: Any) -> Any:
        now = monotonic()
        if now + timeout < context.deadline:
            context.deadline = now + timeout
        deadline, trace, keyed = context.deadline, context._trace, context._key is not None
        sent = tries = took = False
        try:
            if breaker.open:
                breaker.admit(now)
                tries = True
            else:
                if slots.used < slots.calls_max:
                    slots.used += 1
                else:
                    await _wait(guard, deadline - now)
                took = True
            sent = True
            if budget.kept < KEPT_MAX:
                budget.kept += share
            if makes_key and not keyed:
                context.idempotency_key  # noqa: B018  (made here, so that each attempt has the same one)
            if attempt_seconds is not None:
                context.deadline = min(deadline, monotonic() + attempt_seconds)
            answer = await inner(context, request)
        except DomainError:
            _answered(guard, tries)
            raise
        except CallError as error:
            if not sent:
                guard.counts.add("overloaded" if isinstance(error, Overloaded) else "not_sent")
                return _instead(guard, request, error)
            context.deadline = deadline
            return await _again(guard, inner, _First(context, trace, keyed, tries), request, error)
        except BaseException:
            if tries:
                breaker.tried(False)
            raise
        finally:
            if took:
                if slots.waiting:
                    slots.leave()
                else:
                    slots.used -= 1
        if tries:
            breaker.tried(True)
        elif now >= breaker.turn:
            breaker.roll(now)
        breaker.ok += 1
        return answer

    return handle


async def _wait(guard: Guard, seconds: float) -> None:
    """Wait for a slot. Raises: Overloaded; CircuitOpen: the breaker opened meanwhile."""
    await guard.slots.wait(seconds)
    if guard.breaker.open:
        guard.slots.leave()
        raise guard.breaker.refusal(guard.monotonic())


def _answered(guard: Guard, tries: bool) -> None:
    """The callee gave an answer, whatever it was."""
    if tries:
        guard.breaker.tried(True)
    guard.breaker.ok += 1


class _First(NamedTuple):
    """The first attempt of a call."""

    context: CallContext
    trace: TraceContext | tuple[str, str] | None
    """The caller's, before the attempt took its place in it."""
    keyed: bool
    """Whether the caller gave the call a key."""
    tried: bool
    """Whether it was let through an open breaker."""

    def repeated(self, deadline: float) -> CallContext:
        """The context of another attempt."""
        context = self.context.again()
        context.deadline = deadline
        if isinstance(self.trace, TraceContext):
            context.trace = self.trace
        return context


async def _again(guard: Guard, inner: Handler, first: _First, request: Any, error: CallError) -> Any:
    """After the first attempt has failed with `error`: further ones, as long as that is of use."""
    policy, breaker, context, tries = guard.policy, guard.breaker, first.context, first.tried
    attempt, pause, attempt_seconds = 1, None, policy.attempt_seconds or NEVER
    while True:
        _judge(guard, error, tries)
        if tries or not _may_repeat(guard, error, first.keyed, attempt):
            return _instead(guard, request, error)
        pause = next_pause(policy, pause, error)
        if guard.monotonic() + pause >= context.deadline:
            return _instead(guard, request, error)
        if not guard.budget.take():
            guard.counts.add("retries_refused")
            return _instead(guard, request, error)
        await guard.sleep(pause)
        if breaker.open:  # meanwhile others have failed, too
            return _instead(guard, request, error)
        attempt += 1
        guard.counts.add("retries")
        repeated = first.repeated(min(context.deadline, guard.monotonic() + attempt_seconds))
        try:
            answer = await inner(repeated, request)
        except DomainError:
            _answered(guard, False)
            raise
        except CallError as failure:
            error = failure
        else:
            _answered(guard, False)
            return answer
        finally:
            context.mark = repeated.mark


def _may_repeat(guard: Guard, error: CallError, keyed: bool, attempt: int) -> bool:
    if attempt >= guard.policy.attempts_max or guard.breaker.open:
        return False
    return worth_repeating(error, guard.operation, keyed=keyed, attempt=attempt)


def _judge(guard: Guard, error: CallError, tries: bool) -> None:
    """Tell the breaker what an error says of the callee."""
    sick = guard.is_sick(error)
    if tries:
        guard.breaker.tried(not sick)
    if sick:
        guard.breaker.failed(guard.monotonic(), error.code)
    else:
        guard.breaker.ok += 1


def _instead(guard: Guard, request: Any, error: CallError) -> Any:
    """The answer of the fallback; raises the error if there is none, or if it fails as well."""
    if guard.fallback is None or not stands_in(error):
        raise error
    try:
        answer = guard.fallback(request)
    except Exception as failure:
        guard.log.exception("fallback failed", error=failure, operation=guard.name)
        raise error from None
    guard.counts.add("fallbacks")
    return answer
