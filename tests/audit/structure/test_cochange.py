"""The gate that co-change has to pass before it counts."""

from __future__ import annotations

import random

from calve.audit.git import Commit, History
from calve.audit.structure.cochange import COMMITS_MIN, gated

OF = {f"{unit}/{n}.py": unit for unit in "abcd" for n in range(6)}


def _history(commits: list[tuple[str, ...]]) -> History:
    return History([Commit(n, "Ann", files) for n, files in enumerate(commits)], {}, None, "", None)


def _within(unit: str, dice: random.Random) -> tuple[str, ...]:
    return tuple(sorted(f"{unit}/{n}.py" for n in dice.sample(range(6), 3)))


def _by_package(count: int) -> list[tuple[str, ...]]:
    """Every commit in one unit; every tenth reaches into the next."""
    dice = random.Random(1)
    return [(*_within("abcd"[n % 4], dice), *(["b/0.py"] if n % 10 == 0 and n % 4 == 0 else [])) for n in range(count)]


def test_what_changes_by_package_counts() -> None:
    found = gated(_history(_by_package(COMMITS_MIN)), OF)
    assert found.used
    assert list(found.weights) == [("a", "b")]
    assert found.agreement is not None
    assert found.agreement > 0.9


def test_too_few_commits_do_not_count() -> None:
    found = gated(_history(_by_package(COMMITS_MIN - 1)), OF)
    assert (found.used, found.agreement) == (False, None)
    assert found.why == "499 usable commits; it takes 500"


def test_people_who_work_across_everything_do_not_count() -> None:
    dice = random.Random(2)
    found = gated(_history([tuple(dice.sample(sorted(OF), 3)) for _ in range(COMMITS_MIN)]), OF)
    assert not found.used
    assert "0.4 is needed" in found.why


def test_the_strongest_pair_is_cut_off() -> None:
    dice = random.Random(1)
    commits = _by_package(COMMITS_MIN) + [("c/0.py", "d/0.py")] * 3 + [_within("a", dice)] * 400
    commits += [("a/0.py", "b/1.py")] * 400
    weights = gated(_history(commits), OF).weights
    assert max(weights.values()) <= 2.5
    assert min(weights.values()) > 0


def test_one_unit_has_nothing_to_change_with() -> None:
    commits = [tuple(f"a/{n}.py" for n in range(3))] * COMMITS_MIN
    assert gated(_history(commits), {f"a/{n}.py": "a" for n in range(3)}).why == "no commit touches two units"
    assert gated(_history([("x.py",)] * COMMITS_MIN), OF).why == "no commit touches two files of the code"
