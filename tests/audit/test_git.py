"""What a history says, on repositories made for the test."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from calve.audit.git import COMMIT_FILES_MAX, History, co_change, read_history, regular_authors, unit_history

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
    root = tmp_path / "repository"
    root.mkdir()
    _git(root, "init", "-q")
    _commit(root, "a/x.py", "b/z.py")
    _commit(root, "a/x.py", "a/y.py", author="Bea")
    _commit(root, "a/x.py", author="dependabot[bot]")
    _commit(root, *(f"c/{i}.py" for i in range(COMMIT_FILES_MAX + 1)))
    _commit(root, "notes.txt")
    return root


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


def _why(history: History) -> str:
    assert history.gap is not None
    return history.gap.why


def test_no_repository_is_a_gap(tmp_path: Path) -> None:
    history = read_history(tmp_path)
    assert _why(history) == "not a git repository"
    assert history.commits == []
    assert regular_authors(history) is None


def test_a_repository_without_commits_is_a_gap(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    assert _why(read_history(tmp_path)) == "the repository has no commit"


def test_without_git_there_is_a_gap(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _why(read_history(repository)) == "git is not installed"


def test_a_folder_no_commit_touches_is_a_gap(repository: Path) -> None:
    (repository / "new").mkdir()
    assert "none of 0 commits" in _why(read_history(repository / "new"))


def test_a_shallow_clone_is_a_gap_and_knows_no_regular_authors(repository: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    _git(repository, "clone", "-q", "--depth", "4", repository.as_uri(), str(shallow))
    history = read_history(shallow)
    assert "shallow clone" in _why(history)
    assert history.ignored["where the clone was cut off"] == 1
    assert regular_authors(history) is None


def test_paths_are_relative_to_the_audited_folder(repository: Path) -> None:
    assert [commit.files for commit in read_history(repository / "a").commits] == [("x.py", "y.py"), ("x.py",)]


def test_a_history_is_kept_by_its_commit(repository: Path, tmp_path: Path) -> None:
    cache = tmp_path / "kept"
    first = read_history(repository, cache=cache)
    kept = cache / "history"
    marked = kept.read_bytes().replace(b"Bea", b"Cleo"[:3])
    kept.write_bytes(marked)
    assert [commit.author for commit in read_history(repository, cache=cache).commits] == ["Cle", "Ann"]
    assert [commit.author for commit in read_history(repository, cache=cache, years=2).commits] == ["Bea", "Ann"]
    _git(repository, "tag", "v1")
    _commit(repository, "a/x.py", author="Dan")
    again = read_history(repository, cache=cache)
    assert [commit.author for commit in again.commits] == ["Dan", *(commit.author for commit in first.commits)]
    assert (first.tags_a_year, again.tags_a_year) == (None, 1.0)


def test_a_damaged_cache_is_as_good_as_none(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "history").write_bytes(b"\x93nonsense")
    assert len(read_history(repository, cache=tmp_path).commits) == 2


SIGNED = """\
tree {tree}
author A <a@example.org> {when} +0000
committer A <a@example.org> {when} +0000
gpgsig -----BEGIN PGP SIGNATURE-----
 x

signed
"""


def _signed_commit(root: Path) -> None:
    """A commit that git would want to verify."""
    tree = subprocess.run(["git", "write-tree"], cwd=root, check=True, capture_output=True, text=True).stdout.strip()
    text = SIGNED.format(tree=tree, when=read_history(root).commits[0].when + 1)
    make = ["git", "hash-object", "-t", "commit", "-w", "--stdin"]
    made = subprocess.run(make, cwd=root, input=text, check=True, capture_output=True, text=True)
    _git(root, "update-ref", "HEAD", made.stdout.strip())


def test_what_the_repository_configures_is_not_run(repository: Path, tmp_path: Path) -> None:
    mark, harm = tmp_path / "harm", tmp_path / "harm.sh"
    harm.write_text(f"#!/bin/sh\ntouch {mark}\n")
    harm.chmod(0o755)
    _signed_commit(repository)
    _git(repository, "config", "log.showSignature", "true")
    for name in ("gpg.program", "core.fsmonitor", "core.pager", "diff.external"):
        _git(repository, "config", name, str(harm))
    mark.unlink(missing_ok=True)
    read_history(repository)
    assert not mark.exists()


def test_a_hook_s_environment_does_not_lead_elsewhere(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert read_history(repository).gap is None
