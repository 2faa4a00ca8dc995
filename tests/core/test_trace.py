"""W3C trace context: the header's form, and what it must refuse."""

from __future__ import annotations

import random

import pytest

from calve.core.trace import TraceContext, parse_traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_header_is_read_and_written_unchanged() -> None:
    for flags in ("00", "01"):
        header = f"00-{TRACE}-{SPAN}-{flags}"
        parsed = parse_traceparent(header)
        assert parsed is not None
        assert parsed.traceparent() == header
        assert parsed.sampled is (flags == "01")
        assert parsed.remote


def test_only_the_sampled_flag_is_passed_on() -> None:
    parsed = parse_traceparent(f"00-{TRACE}-{SPAN}-ff")
    assert parsed is not None
    assert parsed.traceparent().endswith("-01")


def test_a_later_version_may_have_more_fields() -> None:
    parsed = parse_traceparent(f"cc-{TRACE}-{SPAN}-01-what-the-future-brings")
    assert parsed is not None
    assert parsed.traceparent() == f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-1",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_a_broken_header_is_not_read(header: str) -> None:
    assert parse_traceparent(header) is None


def test_tracestate_travels_along_if_it_is_sound() -> None:
    header = f"00-{TRACE}-{SPAN}-01"
    for state, kept in (("vendor=1", "vendor=1"), ("x" * 513, ""), ("a=\n", ""), ("a=é", "")):
        parsed = parse_traceparent(header, state)
        assert parsed is not None
        assert parsed.state == kept
        assert parsed.child().state == kept


def test_a_child_is_another_span_of_the_same_trace() -> None:
    root = TraceContext.root(sampled=True)
    child = root.child()
    assert child.trace_id == root.trace_id
    assert child.span_id != root.span_id
    assert child.sampled
    assert not child.remote


def test_roots_differ_although_the_application_seeds_random() -> None:
    made = []
    for _ in range(2):
        random.seed(1)
        made.append(TraceContext.root().trace_id)
    assert made[0] != made[1]


def test_an_entry_leaves_the_decision_about_a_span_to_others_behind_any_number_of_hops() -> None:
    entry = TraceContext.entry()
    assert (entry.undecided, entry.sampled, entry.remote) == (True, False, False)
    next_hop = parse_traceparent(entry.traceparent(), entry.state)
    assert next_hop is not None
    assert (next_hop.undecided, next_hop.sampled, next_hop.remote) == (True, False, True)
    assert (next_hop.trace_id, next_hop.span_id) == (entry.trace_id, entry.span_id)
    assert parse_traceparent(next_hop.traceparent(), next_hop.state) == next_hop


def test_a_decision_against_a_span_is_one_for_everybody_behind() -> None:
    entry = TraceContext.entry()
    declined = entry.declined()
    assert (declined.trace_id, declined.span_id) == (entry.trace_id, entry.span_id)
    assert not declined.undecided
    next_hop = parse_traceparent(declined.traceparent(), declined.state)
    assert next_hop is not None
    assert not next_hop.undecided


def test_what_is_sampled_is_decided() -> None:
    header = f"00-{TRACE}-{SPAN}-01"
    parsed = parse_traceparent(header, TraceContext.entry().state)
    assert parsed is not None
    assert not parsed.undecided
    assert not TraceContext.root().undecided
