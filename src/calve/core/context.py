"""The context of a call: what travels with it but is not an argument.

    caller's context ──child()──> callee's context          in one process
    caller's context ──headers──> frame / HTTP ──> callee's context     across processes

It lives in a context variable that the call chain sets around every operation (service room) and that everything below
reads: the next stub (deadline, principal, trace go on with the call), the logger (ids), the store (idempotency key).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

from .clock import Clock, SystemClock
from .deadline import NEVER
from .idempotency import REPLAYED, Mark
from .ids import new_key
from .trace import TraceContext, received_trace


class Principal(msgspec.Struct, frozen=True):
    """Who a call is made for."""

    subject: str
    """Stable name of the user or service."""
    roles: frozenset[str] = frozenset()
    """What the subject may do, such as `wallet:write`."""


class CallContext:
    """One call in progress. Not shared between tasks that outlive the call; read it through `current_call()`."""

    __slots__ = ("_key", "_trace", "caller", "deadline", "mark", "next_key", "operation", "principal")

    def __init__(
        self,
        operation: str,
        deadline: float = NEVER,
        principal: Principal | None = None,
        trace: TraceContext | tuple[str, str] | None = None,
        key: str | None = None,
    ) -> None:
        self.operation = operation
        """`service.operation`, or the entry point ('' outside of any operation)."""
        self.deadline = deadline
        """Point on the monotonic clock, seconds; `NEVER` outside of any call."""
        self.principal = principal
        self.caller = ""
        """The operation that made this call, or the service alone when none was running; '' for a call from outside."""
        self.next_key: str | None = None
        """Idempotency key for the next command made from here; a command's own key is never passed on."""
        self.mark: Mark | None = None
        """What the first transaction of this command leaves under its key; set by the chain while there is one."""
        self._trace, self._key = trace, key
        # A pair is what came in `traceparent` and `tracestate` ('' where nothing did). It is read when somebody asks
        # for the trace, which for most calls nobody does.

    def again(self) -> CallContext:
        """The context of another attempt of the same call: what came with the call, and its key if it has one."""
        other = CallContext(self.operation, self.deadline, self.principal, self._trace, self._key)
        other.caller = self.caller
        return other

    @property
    def idempotency_key(self) -> str:
        """The key under which a command may be repeated safely; made on first use when the caller gave none."""
        if self._key is None:
            self._key = new_key()
        return self._key

    @property
    def given_key(self) -> str | None:
        """The idempotency key if the caller gave one or somebody has asked for one."""
        return self._key

    @property
    def replayed(self) -> bool:
        """Whether the answer of this call is that of an earlier one with the same key."""
        return self.mark is REPLAYED

    @property
    def trace(self) -> TraceContext:
        """This call's place in its trace; a new one is started on first use when there is none."""
        trace = self.given_trace
        if trace is None:
            trace = self._trace = TraceContext.entry()
        return trace

    @trace.setter
    def trace(self, value: TraceContext) -> None:
        self._trace = value

    @property
    def given_trace(self) -> TraceContext | None:
        """The trace context if there is one already; a call from outside always has one."""
        trace = self._trace
        if isinstance(trace, tuple):
            trace = self._trace = received_trace(*trace)
        return trace


_current: ContextVar[CallContext | None] = ContextVar("calve_call", default=None)


def current_call() -> CallContext | None:
    """The call this code runs in, or None outside of any."""
    return _current.get()


@contextmanager
def call_options(
    *,
    timeout_seconds: float | None = None,
    idempotency_key: str | None = None,
    principal: Principal | None = None,
    clock: Clock | None = None,
) -> Iterator[CallContext]:
    """Give the calls made inside the block a tighter deadline, an idempotency key or a principal.

    Args:
        timeout_seconds: From now on; never loosens a deadline that is already there.
        idempotency_key: For the commands made directly inside the block; a block is meant to hold one.
        principal: Replaces the current one.
        clock: Where "now" is read; the machine's unless a test owns time.
    Yields: the context the calls start from.
    """
    outer = _current.get() or CallContext("")
    deadline = outer.deadline
    if timeout_seconds is not None:
        deadline = min(deadline, (clock or SystemClock()).monotonic() + timeout_seconds)
    # The block is part of the operation around it, hence has its key, which therefore must exist before the two part.
    key = outer.idempotency_key if outer.operation else None
    inner = CallContext(outer.operation, deadline, principal or outer.principal, outer.given_trace, key)
    inner.next_key, inner.caller, inner.mark = idempotency_key, outer.caller, outer.mark
    token = _current.set(inner)
    try:
        yield inner
    finally:
        _current.reset(token)
