"""Tests mirror modules: `src/calve/core/deadline.py` is tested in `tests/core/test_deadline.py`.

A test file may also be about a room or the product as a whole (a conformance suite, a fault); such topics are listed,
so that a renamed module cannot leave its tests behind. Modules without a test file of their own are listed with the
file that tests them.
"""

from __future__ import annotations

from pathlib import Path

TESTED_ELSEWHERE: dict[str, str] = {
    "observe/base.py": "observe/test_tracing.py",
}
"""Module, relative to src/calve -> the test file that exercises it."""

TOPICS: dict[str, str] = {}
"""Test file, relative to tests -> what it is about, as no module has that name."""

NOT_ROOMS = {"docs", "examples", "repo"}


def _modules(root: Path) -> set[str]:
    """Modules that hold code of their own: neither facades nor ports."""
    source = root / "src" / "calve"
    paths = (p.relative_to(source) for p in source.rglob("*.py") if p.name not in ("__init__.py", "__main__.py"))
    return {p.as_posix() for p in paths if "template" not in p.parts}


def _tests(root: Path) -> set[str]:
    folder = root / "tests"
    paths = (p.relative_to(folder) for p in folder.rglob("test_*.py"))
    return {p.as_posix() for p in paths if p.parts[0] not in NOT_ROOMS}


def _mirror(module: str) -> str:
    path = Path(module)
    return (path.parent / f"test_{path.name}").as_posix()


def test_every_module_has_its_test_file(root: Path) -> None:
    tests = _tests(root)
    untested = {m for m in _modules(root) if _mirror(m) not in tests}
    assert untested - set(TESTED_ELSEWHERE) == set()
    assert set(TESTED_ELSEWHERE) - untested == set(), "these have a test file now, or are gone"
    assert {t for t in TESTED_ELSEWHERE.values() if not (root / "tests" / t).is_file()} == set()


def test_every_test_file_has_its_module(root: Path) -> None:
    mirrored = {_mirror(m) for m in _modules(root)}
    assert _tests(root) - mirrored - set(TOPICS) == set()
    assert set(TOPICS) - _tests(root) == set(), "these are gone"
