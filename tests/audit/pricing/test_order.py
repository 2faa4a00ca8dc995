"""Candidates and their order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from audit_projects import Files, write

from calve.audit.findings import AuditOptions, Findings, audit
from calve.audit.judging.answers import Answers
from calve.audit.pricing.bill import Market
from calve.audit.pricing.effort import DEFAULT_EFFORT
from calve.audit.pricing.order import CANDIDATES_MAX, LINES_MIN, candidates

Audited = Callable[[Files], Findings]
FILLER = "\n".join(f"x{n} = {n}" for n in range(LINES_MIN))


def _units(count: int) -> Files:
    """Units that each lean on the next; the further back, the more they do."""
    files: Files = {"app/__init__.py": ""}
    for n in range(count):
        others = [(n + step) % count for step in range(1, 2 + n // 3)]
        uses = "".join(f"from app.u{other:02} import b as b{other}\nb{other}.x1\n" for other in others)
        files[f"app/u{n:02}/__init__.py"] = ""
        files[f"app/u{n:02}/a.py"] = f"from . import b\n{uses}{FILLER}\n"
        files[f"app/u{n:02}/b.py"] = FILLER
        files[f"app/u{n:02}/c.py"] = "from . import b\n"
    return files


def test_the_easiest_to_separate_comes_first(audited: Audited) -> None:
    found = audited(_units(8)).candidates
    shares = [candidate.bill.isolation for candidate in found]
    assert shares == sorted(shares)
    assert [unit for candidate in found for unit in candidate.units] == list(
        dict.fromkeys(unit for candidate in found for unit in candidate.units)
    )


def test_what_leads_to_a_part_that_is_gone_is_not_priced_again(audited: Audited) -> None:
    first, *_, last = audited(_units(8)).candidates
    assert first.days_in_order == first.days
    assert last.days_in_order < last.days


def test_small_units_are_no_candidates(audited: Audited) -> None:
    files = _units(4) | {"app/tiny/__init__.py": "", "app/tiny/a.py": "from app.u00 import b\n"}
    assert "app.tiny" not in [c.name for c in audited(files).candidates]


def test_a_unit_that_somebody_asked_for_is_in_wherever_it_ranks(tmp_path: Path) -> None:
    root = write(tmp_path, _units(CANDIDATES_MAX + 5))
    options = AuditOptions(cache=False, processes=1)
    usual = [unit for candidate in audit(root, options).candidates for unit in candidate.units]
    left_out = max({f"app.u{n:02}" for n in range(CANDIDATES_MAX + 5)} - set(usual))
    asked = AuditOptions(cache=False, processes=1, answers=Answers(scale_apart=[left_out]))
    found = audit(root, asked).candidates
    assert [unit for candidate in found for unit in candidate.units] == [*usual, left_out]


def test_a_candidate_knows_what_to_break_first(audited: Audited) -> None:
    found = audited(_units(8)).candidates
    assert [bool(c.hinges) for c in found] == [c.bill.isolation > 0.4 for c in found]


def test_units_are_one_candidate_only_where_that_makes_them_much_easier_to_separate(audited: Audited) -> None:
    names = [f"m{n}" for n in range(4)]
    pairs = [(a, b) for a in names for b in names if a < b]
    files: Files = {f"app/{unit}/{name}.py": FILLER + "\n" for unit in "abcdef" for name in names}
    for unit in "abcdef":
        for a, b in pairs:
            files[f"app/{unit}/{a}.py"] += f"import app.{unit}.{b}\n"
    for name in names:
        files[f"app/a/{name}.py"] += "import app.b.m0, app.b.m1, app.b.m2\n"
    files["app/c/m0.py"] += "import app.d.m0\n"
    found = audited(files)
    market = Market(found.modules, found.models, found.data, found.graph, found.user)
    tight, loose = frozenset({"app.a", "app.b"}), frozenset({"app.a", "app.c"})
    first, *_ = candidates(found.graph, market, [tight], DEFAULT_EFFORT)
    assert first.units == ["app.a", "app.b"]
    assert all(len(c.units) == 1 for c in candidates(found.graph, market, [loose], DEFAULT_EFFORT))
