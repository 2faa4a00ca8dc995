"""The fakes of the observe room keep what happened and leave nothing behind."""

from __future__ import annotations

import asyncio
import logging

import pytest

from calve.core.context import CallContext, _current
from calve.core.trace import TraceContext
from calve.observe import Logger
from calve.testing.fakes.observe import CapturedLogs, RecordingTracing


def test_spans_are_kept_with_their_outcome_and_found_by_name() -> None:
    tracing = RecordingTracing()
    tracing.finish(tracing.start(CallContext(""), "wallet", "debit", "server"), "unavailable")
    tracing.start(CallContext(""), "wallet", "balance", "server")
    assert [str(span) for span in tracing.spans] == [
        "<server wallet/debit unavailable>",
        "<server wallet/balance in progress>",
    ]
    assert tracing.span("wallet/debit").failed
    with pytest.raises(AssertionError, match="0 spans 'wallet/refund' among"):
        tracing.span("wallet/refund")


def test_a_span_that_ends_twice_is_a_fault_of_the_caller() -> None:
    tracing = RecordingTracing()
    span = tracing.start(CallContext(""), "wallet", "debit", "server")
    tracing.finish(span)
    with pytest.raises(AssertionError, match="ended twice"):
        tracing.finish(span)


async def test_two_tracings_and_two_tasks_do_not_mix() -> None:
    one, other = RecordingTracing(), RecordingTracing()
    span = one.start(CallContext(""), "wallet", "debit", "server")
    other.finish(other.start(CallContext(""), "wallet", "debit", "server"))
    assert other.span("wallet/debit").parent is None

    async def finish() -> None:
        one.finish(span)

    await asyncio.create_task(finish())
    assert one.span("wallet/debit").ended


def test_lines_are_kept_as_data_whatever_the_level() -> None:
    token = _current.set(CallContext("wallet.debit", trace=TraceContext(0xAB, 0xCD)))
    with CapturedLogs() as logs:
        Logger("shop.wallet").debug("debited", cents=42)
        logging.getLogger("library").warning("slow: %s", "SELECT", stack_info=True)
    _current.reset(token)
    line = logs.line("debited")
    assert (line.level, line.operation, line.service, line.fields) == ("debug", "wallet.debit", "wallet", {"cents": 42})
    assert (line.trace_id, line.span_id) == (f"{0xAB:032x}", f"{0xCD:016x}")
    assert "Stack (most recent call last)" in (logs.line("slow: SELECT").stack or "")


def test_logging_is_as_it_was_afterwards() -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    with CapturedLogs() as logs:
        assert (root.level, list(root.handlers)) != before
        with pytest.raises(AssertionError, match="0 lines 'x' among"):
            logs.line("x")
    assert (root.level, list(root.handlers)) == before
