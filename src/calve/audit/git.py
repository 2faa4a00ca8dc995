"""What the history says: files that change together, who changes what, how often something is released.

    git log --since=<window> --no-merges --no-renames --name-only

One subprocess; no diff is made, which would take ten times as long and need every old file.

Left out: commits of more than 30 files (reformatting, vendoring), of bots, and merges. A commit of n files counts
1/(n-1) for each pair. What there is too little of is said, not guessed: with fewer than 500 usable commits co-change is
not used to group units, whatever it shows.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

import msgspec

from .base import Gap

WINDOW_YEARS = 3
COMMIT_FILES_MAX = 30
USABLE_COMMITS_MIN = 500
REGULAR_COMMITS = 12
"""Who commits at least this often in the last twelve months is a regular author."""
_BOT = re.compile(r"\[bot\]|\bbot\b|dependabot|renovate|weblate|transifex|pre-commit|github-actions", re.IGNORECASE)
_SECONDS_A_YEAR = 365.25 * 86400


class Commit(msgspec.Struct, frozen=True):
    """One commit that touches Python files of the project."""

    when: int
    """Seconds since 1970, of the author."""
    author: str
    files: tuple[str, ...]
    """Relative to the audited path."""


class History(msgspec.Struct):
    """What could be read from git."""

    commits: list[Commit]
    """Newest first; only those that are used."""
    ignored: dict[str, int]
    """Why commits were left out -> how many."""
    tags_a_year: float | None
    """Releases in the last year, by tags; None without any tag."""
    head: str
    """Of the audited tree; `` without git."""
    gap: Gap | None
    """Why there is no history."""


def read_history(root: Path, *, years: float = WINDOW_YEARS) -> History:
    """Read the history of a folder. Without git, or outside of a repository, the answer says so in `gap`."""
    head = _git(root, "log", "-1", "--format=%H %ct")
    if head is None:
        return History([], {}, None, "", Gap("no history", ".", 0, "not a git repository, or git is not installed"))
    name, _, now = head.strip().partition(" ")
    if not now:
        return History([], {}, None, "", Gap("no history", ".", 0, "the repository has no commit"))
    # Counted from the newest commit, not from today: the same tree has the same audit for ever.
    since = int(now) - int(years * _SECONDS_A_YEAR)
    log = _git(
        root,
        "log",
        f"--since={since}",
        "--no-merges",
        "--no-renames",
        "--name-only",
        "--relative",
        "--format=%x01%at%x02%aN",
        "--",
        ".",
    )
    if log is None:
        return History(
            [], {}, None, name, Gap("no history", ".", 0, "git log failed: the clone may be shallow or damaged")
        )
    ignored: Counter[str] = Counter()
    commits = list(_commits(log, ignored))
    return History(commits, dict(sorted(ignored.items())), _tags(root, int(now)), name, None)


def _git(root: Path, *args: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-c", "core.quotePath=false", *args], cwd=root, capture_output=True, timeout=120, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def _commits(log: str, ignored: Counter[str]) -> Iterator[Commit]:
    for record in log.split("\x01")[1:]:
        header, _, body = record.partition("\n")
        when, _, author = header.partition("\x02")
        files = sorted({line for line in body.splitlines() if line.endswith(".py")})
        if not files:
            ignored["no Python"] += 1
        elif len(files) > COMMIT_FILES_MAX:
            ignored[f"more than {COMMIT_FILES_MAX} files"] += 1
        elif _BOT.search(author):
            ignored["by a bot"] += 1
        else:
            yield Commit(int(when), author, tuple(files))


def _tags(root: Path, now: int) -> float | None:
    tags = _git(root, "for-each-ref", "refs/tags", "--format=%(creatordate:unix)")
    if not tags or not tags.strip():
        return None
    times = [int(line) for line in tags.split() if line.isdigit()]
    return float(sum(now - _SECONDS_A_YEAR < when <= now for when in times))


class UnitHistory(msgspec.Struct):
    """What the history says of one unit."""

    commits: int
    lockstep: int
    """Commits that touch other units, too, kernel and tests left out."""
    authors: int
    regulars: list[str]


def unit_history(history: History, of: Mapping[str, str]) -> dict[str, UnitHistory]:
    """Per unit, from the commits that touch it.

    Args: of: Path -> unit.
    """
    newest = history.commits[0].when if history.commits else 0
    commits: Counter[str] = Counter()
    lockstep: Counter[str] = Counter()
    authors: dict[str, Counter[str]] = {}
    recent: dict[str, Counter[str]] = {}
    for commit in history.commits:
        units = {of[path] for path in commit.files if path in of}
        for unit in units:
            commits[unit] += 1
            lockstep[unit] += len(units) > 1
            authors.setdefault(unit, Counter())[commit.author] += 1
            if newest - commit.when < _SECONDS_A_YEAR:
                recent.setdefault(unit, Counter())[commit.author] += 1
    return {
        unit: UnitHistory(
            commits[unit],
            lockstep[unit],
            len(authors[unit]),
            sorted(who for who, count in recent.get(unit, Counter()).items() if count >= REGULAR_COMMITS),
        )
        for unit in sorted(commits)
    }


def regular_authors(history: History) -> int | None:
    """How many people commit regularly; None without a history."""
    if not history.commits:
        return None
    newest = history.commits[0].when
    recent = Counter(c.author for c in history.commits if newest - c.when < _SECONDS_A_YEAR)
    return sum(count >= REGULAR_COMMITS for count in recent.values())


def co_change(history: History, of: Mapping[str, str]) -> dict[tuple[str, str], float]:
    """How strongly each two units change together: the sum over commits of pairs of files / (files - 1)."""
    total: defaultdict[tuple[str, str], float] = defaultdict(float)
    for commit in history.commits:
        units = [of[path] for path in commit.files if path in of]
        if len(units) < 2:
            continue
        for a, b in combinations(sorted(units), 2):
            if a != b:
                total[a, b] += 1 / (len(units) - 1)
    return {pair: total[pair] for pair in sorted(total)}
