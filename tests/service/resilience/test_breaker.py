"""When a breaker opens, and when not."""

from __future__ import annotations

import pytest

from calve.core.errors import CircuitOpen
from calve.core.policy import EffectivePolicy
from calve.service.resilience.breaker import Breaker


class Calls:
    """A breaker with the default policy, and calls at a fixed rate; False is one that fails."""

    def __init__(self, **policy: float) -> None:
        self.changes: list[bool] = []
        rules = EffectivePolicy(timeout_seconds=1, **policy)  # type: ignore[arg-type]
        self.breaker, self.now = Breaker("shop.find", rules, self.changes.append), 1000.0

    def come(self, *outcomes: bool, per_second: float = 100) -> None:
        """Make calls until the breaker opens."""
        for well in outcomes:
            self.now += 1 / per_second
            if well:
                if self.now >= self.breaker.turn:
                    self.breaker.roll(self.now)
                self.breaker.ok += 1
            else:
                self.breaker.failed(self.now, "unavailable")
            if self.breaker.open:
                return


def test_it_opens_at_the_share_and_not_before_there_are_enough_calls() -> None:
    calls = Calls()
    calls.come(*[False] * 19)
    assert not calls.breaker.open
    calls.come(False)
    assert (calls.breaker.state, calls.changes) == ("open", [True])
    calls = Calls()
    calls.come(*[True, True, True, False, False] * 100)
    assert not calls.breaker.open
    calls.come(*[True, False] * 100)
    assert calls.breaker.open


@pytest.mark.parametrize(("per_second", "seconds"), [(1000, 2.1), (100, 2.1), (10, 2.1), (1, 20)])
def test_after_a_long_good_time_it_opens_as_soon_as_the_window_has_turned(per_second: float, seconds: float) -> None:
    calls = Calls()
    calls.come(*[True] * 10_000, per_second=per_second)
    failing_from = calls.now
    calls.come(*[False] * 10_000, per_second=per_second)
    assert calls.breaker.open
    assert calls.now - failing_from <= seconds


def test_what_is_long_past_counts_no_more() -> None:
    calls = Calls()
    calls.come(*[False] * 19)
    calls.now += 3600
    calls.come(*[False] * 2)
    assert not calls.breaker.open


def test_none_opens_when_that_is_switched_off() -> None:
    calls = Calls(breaker_calls_min=0)
    calls.come(*[False] * 1000)
    assert not calls.breaker.open


def test_one_call_at_a_time_tries_and_one_answer_closes_it() -> None:
    calls = Calls()
    calls.come(*[False] * 20)
    breaker = calls.breaker
    with pytest.raises(
        CircuitOpen, match=r"20 of its last 20 calls failed, the last one with unavailable; one call tr"
    ):
        breaker.admit(calls.now)
    breaker.admit(calls.now + 1.3)
    assert breaker.state == "half_open"
    with pytest.raises(CircuitOpen):
        breaker.admit(calls.now + 1.4)
    breaker.tried(False)
    assert (breaker.state, calls.changes) == ("open", [True])
    breaker.admit(calls.now + 2.6)
    breaker.tried(True)
    assert (breaker.state, calls.changes) == ("closed", [True, False])
    calls.come(*[False] * 19)
    assert not breaker.open, "it begins anew"
