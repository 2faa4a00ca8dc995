"""How far two divisions agree."""

from __future__ import annotations

import random

import pytest

from calve.audit.structure.agreement import agreement

HALVES = {"a": 1, "b": 1, "c": 2, "d": 2}


def test_names_of_parts_do_not_matter() -> None:
    assert agreement(HALVES, {"a": "x", "b": "x", "c": "y", "d": "y"}) == pytest.approx(1)


def test_crossed_halves_agree_less_than_chance() -> None:
    assert agreement(HALVES, {"a": 1, "b": 2, "c": 1, "d": 2}) == pytest.approx(-0.5)


@pytest.mark.parametrize("parts", [2, 40])
def test_random_divisions_agree_by_nothing_however_many_parts_they_have(parts: int) -> None:
    dice = random.Random(3)
    found = [
        agreement({str(n): n % 10 for n in range(200)}, {str(n): dice.randrange(parts) for n in range(200)})
        for _ in range(20)
    ]
    assert sum(found) / len(found) == pytest.approx(0, abs=0.02)


def test_one_part_says_nothing() -> None:
    assert agreement(HALVES, dict.fromkeys(HALVES, 0)) == pytest.approx(0)


def test_what_every_placement_has_is_chance() -> None:
    # Wherever the part of one lies, in the one half or the other, the information is the same.
    assert agreement(HALVES, {"a": 1, "b": 2, "c": 2, "d": 2}) == pytest.approx(0, abs=1e-9)


def test_only_what_both_know_counts() -> None:
    assert agreement({**HALVES, "e": 1}, {**HALVES, "f": 1}) == pytest.approx(1)
    assert agreement({}, HALVES) == 1
