"""Days of work for a bill, as a range. The coefficients are guesses, until a team's own history says better.

They are settings (`[audit.effort]` in calve.toml), shown beside every result, and each is a range of its own.
"""

from __future__ import annotations

import msgspec

from .bill import Bill

Range = tuple[float, float]


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """Days per item, lowest and highest."""

    service: Range = (5.0, 15.0)
    """Once per service: its unit, pipeline, database, dashboards, on-call."""
    operation: Range = (0.25, 1.0)
    call_site: Range = (0.02, 0.1)
    foreign_key: Range = (1.0, 2.0)
    join: Range = (0.25, 1.0)
    shared_table: Range = (2.0, 6.0)
    saga: Range = (3.0, 10.0)
    inheritance: Range = (0.25, 1.0)
    task_or_signal: Range = (0.25, 1.0)
    raw_sql: Range = (0.5, 2.0)


DEFAULT_EFFORT = Effort()


def days(bill: Bill, effort: Effort = DEFAULT_EFFORT) -> Range:
    """Days to carry out a cut: with the fewest sagas at the lower coefficients, with the most at the higher ones."""
    counts: list[tuple[int, int, Range]] = [
        (1, 1, effort.service),
        (len(bill.operations), len(bill.operations), effort.operation),
        *_same(len(bill.calls_in) + len(bill.calls_out), effort.call_site),
        *_same(len(bill.keys_in) + len(bill.keys_out), effort.foreign_key),
        *_same(len(bill.joins), effort.join),
        *_same(len(bill.shared_tables), effort.shared_table),
        (bill.sagas_low, len(bill.sagas), effort.saga),
        *_same(len(bill.inheritance), effort.inheritance),
        *_same(len(bill.tasks) + len(bill.signals), effort.task_or_signal),
        *_same(len(bill.sql), effort.raw_sql),
    ]
    return sum(low * rate[0] for low, _, rate in counts), sum(high * rate[1] for _, high, rate in counts)


def _same(count: int, rate: Range) -> list[tuple[int, int, Range]]:
    return [(count, count, rate)]
