"""What a history says, on repositories made for the test."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from calve.audit.git import COMMIT_FILES_MAX, co_change, read_history, regular_authors, unit_history

UNITS = {"a/x.py": "a", "a/y.py": "a", "b/z.py": "b"}


def _git(root: Path, *args: str, author: str = "Ann") -> None:
    who = ["-c", f"user.name={author}", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *args], cwd=root, check=True, capture_output=True)


def _commit(root: Path, *names: str, author: str = "Ann") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(path.read_text() + "#\n" if path.exists() else "")
    _git(root, "add", "-A")
    _git(root, "commit", "-q", "-m", "change", author=author)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Five commits: one in lockstep, one in a alone, one by a bot, one too large, one without Python."""
    _git(tmp_path, "init", "-q")
    _commit(tmp_path, "a/x.py", "b/z.py")
    _commit(tmp_path, "a/x.py", "a/y.py", author="Bea")
    _commit(tmp_path, "a/x.py", author="dependabot[bot]")
    _commit(tmp_path, *(f"c/{i}.py" for i in range(COMMIT_FILES_MAX + 1)))
    _commit(tmp_path, "notes.txt")
    return tmp_path


def test_commits_that_say_nothing_are_left_out_and_counted(repository: Path) -> None:
    history = read_history(repository)
    assert [(commit.author, commit.files) for commit in history.commits] == [
        ("Bea", ("a/x.py", "a/y.py")),
        ("Ann", ("a/x.py", "b/z.py")),
    ]
    assert history.ignored == {"by a bot": 1, f"more than {COMMIT_FILES_MAX} files": 1, "no Python": 1}
    assert history.gap is None


def test_lockstep_and_authors_of_a_unit(repository: Path) -> None:
    found = unit_history(read_history(repository), UNITS)
    assert {unit: (facts.commits, facts.lockstep, facts.authors) for unit, facts in found.items()} == {
        "a": (2, 1, 2),
        "b": (1, 1, 1),
    }
    assert regular_authors(read_history(repository)) == 0


def test_units_that_change_together(repository: Path) -> None:
    assert co_change(read_history(repository), UNITS) == {("a", "b"): 1.0}


def test_no_repository_is_a_gap(tmp_path: Path) -> None:
    history = read_history(tmp_path)
    assert history.gap is not None
    assert history.commits == []
    assert regular_authors(history) is None


def test_a_repository_without_commits_is_a_gap(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    assert read_history(tmp_path).gap is not None
