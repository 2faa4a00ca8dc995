"""The context of a call: what is made when, and what a block of options changes for the calls inside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from calve import CallContext, Principal, call_options, current_call
from calve.core.context import _current
from calve.core.deadline import NEVER
from calve.core.trace import TraceContext
from calve.testing import VirtualClock

ALICE = Principal("alice", frozenset({"admin"}))


@contextmanager
def inside(context: CallContext) -> Iterator[None]:
    """Be in an operation, as the chain makes it."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)


def test_outside_of_any_call_there_is_none() -> None:
    assert current_call() is None


def test_a_bare_context_has_no_deadline_and_makes_nothing() -> None:
    context = CallContext("wallet.debit")
    assert (context.deadline, context.principal) == (NEVER, None)
    assert (context.given_key, context.given_trace) == (None, None)


def test_the_idempotency_key_is_made_once() -> None:
    context = CallContext("wallet.debit")
    assert context.idempotency_key == context.idempotency_key == context.given_key
    assert CallContext("wallet.debit", key="k1").idempotency_key == "k1"


def test_the_trace_is_made_once_and_can_be_replaced_by_a_span() -> None:
    context = CallContext("wallet.debit")
    assert context.trace is context.trace is context.given_trace
    span = context.trace.child()
    context.trace = span
    assert context.trace is span
    given = TraceContext.root()
    assert CallContext("wallet.debit", trace=given).trace is given


def test_a_call_from_outside_has_the_trace_of_its_headers_or_a_new_one() -> None:
    given = TraceContext.root(sampled=True)
    context = CallContext("wallet.debit", trace=(given.traceparent(), "vendor=1"))
    assert context.given_trace is context.given_trace is context.trace
    assert (context.trace.traceparent(), context.trace.state) == (given.traceparent(), "vendor=1")
    for headers in (("", ""), ("not a trace", "vendor=1")):
        context = CallContext("wallet.debit", trace=headers)
        assert context.given_trace is context.given_trace
        assert context.trace.undecided


def test_options_apply_inside_the_block_only() -> None:
    clock = VirtualClock()
    with call_options(timeout_seconds=5, idempotency_key="k1", principal=ALICE, clock=clock) as context:
        assert current_call() is context
        assert (context.deadline, context.next_key, context.principal) == (5, "k1", ALICE)
    assert current_call() is None


def test_options_keep_what_they_do_not_name() -> None:
    outer = CallContext("orders.place", deadline=7, principal=ALICE, trace=TraceContext.root(), key="k1")
    with inside(outer), call_options() as context:
        assert context is not outer
        assert (context.operation, context.deadline, context.principal) == ("orders.place", 7, ALICE)
        assert context.trace is outer.trace
        assert (context.idempotency_key, context.next_key) == ("k1", None)


def test_a_timeout_never_loosens_a_deadline() -> None:
    for timeout, deadline in ((60, 7), (3, 3)):
        outer = CallContext("orders.place", deadline=7)
        with inside(outer), call_options(timeout_seconds=timeout, clock=VirtualClock()) as context:
            assert context.deadline == deadline


def test_a_timeout_counts_from_now_on_the_machines_clock() -> None:
    before = time.monotonic()
    with call_options(timeout_seconds=60) as context:
        assert before + 60 <= context.deadline <= time.monotonic() + 60


def test_a_block_is_part_of_the_operation_around_it() -> None:
    """A store asked inside the block and one asked after it must see the same command."""
    outer = CallContext("orders.place")
    with inside(outer), call_options(timeout_seconds=1) as context:
        key = context.idempotency_key
    assert outer.idempotency_key == key


def test_outside_of_operations_two_blocks_have_nothing_in_common() -> None:
    with call_options() as first:
        pass
    with call_options() as second:
        pass
    assert first.idempotency_key != second.idempotency_key


async def test_tasks_started_inside_the_block_see_it() -> None:
    async def ask() -> CallContext | None:
        return current_call()

    with call_options(principal=ALICE):
        task = asyncio.create_task(ask())
    seen = await task
    assert seen is not None
    assert seen.principal is ALICE
