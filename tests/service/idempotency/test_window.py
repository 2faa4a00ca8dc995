"""The memory of one process: bounded, whatever goes into it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calve.service.idempotency import Answered, Window
from calve.service.idempotency.window import SLOT_BYTES

ANSWERS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3000)), max_size=60)


def test_an_answer_is_found_under_its_key() -> None:
    window = Window(10, 10_000)
    window.keep(("bank.pay", None, "a"), Answered(1, b"x"))
    assert window.find(("bank.pay", None, "a")) == Answered(1, b"x")
    assert window.find(("bank.pay", "", "a")) is None
    assert window.find(("bank.pay", None, "b")) is None


def test_the_oldest_goes_first() -> None:
    window = Window(2, 10_000)
    for key in "abac":
        window.keep(("bank.pay", None, key), Answered(1, b""))
    assert [window.find(("bank.pay", None, key)) is not None for key in "abc"] == [True, False, True]


def test_an_answer_that_is_too_large_drives_nobody_out() -> None:
    window = Window(10, 2 * SLOT_BYTES)
    window.keep(("bank.pay", None, "a"), Answered(1, b""))
    window.keep(("bank.pay", None, "b"), Answered(1, b"x" * 2 * SLOT_BYTES))
    assert (len(window), window.bytes) == (1, SLOT_BYTES)


@given(ANSWERS, st.integers(1, 8), st.integers(0, 8000))
def test_it_stays_within_its_bounds_and_keeps_the_latest(
    answers: list[tuple[int, int]], count: int, limit: int
) -> None:
    window = Window(count, limit)
    latest: dict[tuple[str, str | None, str], int] = {}
    for number, size in answers:
        slot = ("bank.pay", None, str(number))
        window.keep(slot, Answered(number, bytes(size)))
        fits = SLOT_BYTES + size <= limit
        if fits:
            latest[slot] = size
            found = window.find(slot)
            assert found is not None
            assert len(found.answer) == size
    kept = {slot: found for slot in latest if (found := window.find(slot)) is not None}
    assert all(len(found.answer) == latest[slot] for slot, found in kept.items())
    assert len(window) == len(kept) <= count
    assert window.bytes == sum(SLOT_BYTES + len(found.answer) for found in kept.values()) <= limit
