"""One audit as a whole: progress, repeatability, files that are no Python, code that must not run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from audit_projects import DJANGO, Files, write

from calve.audit.findings import AuditOptions, Findings, audit

Audited = Callable[[Files], Findings]


def test_progress_names_every_step(tmp_path: Path) -> None:
    steps: list[str] = []
    audit(
        write(tmp_path, DJANGO),
        AuditOptions(cache=False, processes=1),
        lambda step, done, count: steps.append(step) if step not in steps else None,
    )
    assert steps == [
        "looking for files",
        "reading files",
        "following names",
        "finding reads, writes and transactions",
        "finding units",
        "reading the history",
        "grouping units",
        "pricing cuts",
    ]


def test_two_audits_of_one_tree_find_the_same(tmp_path: Path) -> None:
    root = write(tmp_path, DJANGO)
    first, second = (audit(root, AuditOptions(cache=False, processes=1)) for _ in range(2))
    assert first.edges == second.edges
    assert first.verdict == second.verdict


def test_what_is_no_python_is_named_and_the_rest_read(audited: Audited, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "binary.py").write_bytes(b"\x00\x01")
    (tmp_path / "project" / "old.py").write_bytes(b"# -*- coding: latin-1 -*-\nname = '\xe9'\nprint name\n")
    found = audited({"broken.py": "def f(:\n    pass\n", "fine.py": "import broken\n"})
    assert {(gap.path, gap.kind) for gap in found.gaps} == {
        ("binary.py", "not python"),
        ("old.py", "encoding"),
        ("broken.py", "syntax"),
        (".", "no history"),
    }
    assert [(edge.source, edge.target) for edge in found.edges] == [("fine", "broken")]


def test_settings_that_do_harm_are_never_imported(audited: Audited, tmp_path: Path) -> None:
    mark = tmp_path / "harm"
    audited({"settings.py": f"open({str(mark)!r}, 'w')\n", "manage.py": "import settings\n"})
    assert not mark.exists()
