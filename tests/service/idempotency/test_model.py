"""Any sequence of calls, repeats, failures, restarts and long pauses does what ten lines say it does."""

from __future__ import annotations

import asyncio
from typing import Literal, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from calve import CallError
from calve.core.errors import AnswerLost, InternalError, KeyReused
from calve.store import SqliteStore
from calve.testing import VirtualClock

from .conftest import SCHEMA, BankBehindChain, Blocked, failing, nothing

Fate = Literal["good", "fails before", "fails inside", "is blocked before", "is blocked after", "fails after"]
FATES: tuple[Fate, ...] = Fate.__args__  # type: ignore[attr-defined]


class Pay(NamedTuple):
    """A call, and what will become of it if it runs."""

    key: str
    cents: int
    fate: Fate
    inside: bool
    """Whether the answer is given within the transaction."""


class Restart(NamedTuple):
    """A new process, after so many hours."""

    hours: int


class Model:
    """What is promised."""

    def __init__(self) -> None:
        self.total = self.hour = 0
        self.known: dict[str, tuple[int, object, int]] = {}
        """Key -> request, what it came to, and when."""

    def pay(self, step: Pay) -> object:
        """The outcome of a call: the answer, or the class of the error."""
        if step.key in self.known:
            cents, outcome, _ = self.known[step.key]
            return outcome if cents == step.cents else KeyReused
        if step.fate in ("fails before", "fails inside"):
            return InternalError
        if step.fate == "is blocked before":
            return Blocked
        self.total += step.cents
        ends: dict[Fate, object] = {"good": self.total, "is blocked after": Blocked, "fails after": InternalError}
        outcome = ends[step.fate]
        self.known[step.key] = step.cents, AnswerLost if outcome is InternalError else outcome, self.hour
        return outcome

    def restart(self, step: Restart) -> None:
        """Marks expire after a day; a process remembers what it answered, however long it lives."""
        self.hour += step.hours
        self.known = {key: known for key, known in self.known.items() if self.hour - known[2] < 24}


async def pay(bank: BankBehindChain, step: Pay) -> object:
    """Do it for real."""
    service = bank.service
    service.before = service.inside = service.after = nothing
    service.answers_inside = step.inside
    error: Exception = Blocked(reason="x") if "blocked" in step.fate else ZeroDivisionError()
    if step.fate != "good":
        setattr(service, step.fate.rpartition(" ")[2], failing(error))
    try:
        return await bank.pay("ada", step.cents, key=step.key)
    except (CallError, Blocked) as raised:
        return type(raised)


CALLS = st.builds(Pay, st.sampled_from("abc"), st.integers(1, 3), st.sampled_from(FATES), st.booleans())
STEPS = st.lists(CALLS | CALLS | CALLS | st.builds(Restart, st.sampled_from([0, 23, 24])), max_size=25)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_the_bank_does_what_the_model_says(steps: list[Pay | Restart]) -> None:
    async def play() -> None:
        clock, model = VirtualClock(), Model()
        async with await SqliteStore.memory([SCHEMA]) as store:
            bank = BankBehindChain(store, clock)
            for step in steps:
                if isinstance(step, Pay):
                    assert await pay(bank, step) == model.pay(step), step
                else:
                    clock.advance(step.hours * 3600)
                    bank = bank.restarted()
                    model.restart(step)
                assert await bank.paid() == model.total

    asyncio.run(play())
