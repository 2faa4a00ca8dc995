"""What the history says: files that change together, who changes what, how often something is released.

    git log --since=<window> --no-merges --no-renames --name-only

One subprocess; no diff is made, which would take ten times as long and need every old file. What it said is kept by the
commit it was asked at, so that a second audit of the same commit asks git for three words only.

Left out: commits of more than 30 files (reformatting, vendoring), of bots, and merges. A commit of n files counts
1/(n-1) for each pair. What there is too little of is said, not guessed: of a shallow clone, regular authors are
known only if it goes back a year.

The configuration of the audited repository is not trusted: nothing in it makes git fetch, sign or start a program.
"""

from __future__ import annotations

import contextlib
import os
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
REGULAR_COMMITS = 12
"""Who commits at least this often in the last twelve months is a regular author."""
GIT_SECONDS_MAX = 120
_BOT = re.compile(r"\[bot\]|\bbot\b|dependabot|renovate|weblate|transifex|pre-commit|github-actions", re.IGNORECASE)
_SECONDS_A_YEAR = 365.25 * 86400
_DISTRUST = (
    *("-c", "log.showSignature=false"),  # starts gpg.program
    *("-c", "core.fsmonitor=false"),  # starts a program
    *("-c", "protocol.allow=never"),  # a partial clone would fetch what is missing
    *("-c", "core.quotePath=false"),
)
_FORMAT = 1
"""Of what is kept."""


class Commit(msgspec.Struct, frozen=True, array_like=True):
    """One commit that touches Python files of the project."""

    when: int
    """Seconds since 1970: when it came into the history, which is later than when it was written."""
    author: str
    files: tuple[str, ...]
    """Relative to the audited path."""


class History(msgspec.Struct, array_like=True):
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
    """Why there is no history, or why it is not whole."""
    years: float = 0.0
    """How far back the history that was read goes: the window, or less in a young repository or a shallow clone."""


class GitError(Exception):
    """Git did not answer; the text says why."""


def read_history(root: Path, *, years: float = WINDOW_YEARS, cache: Path | None = None) -> History:
    """Read the history of a folder.

    Args:
        root: A folder in a work tree.
        years: How far to look back from the newest commit.
        cache: Folder to keep the answer in; None keeps nothing.
    Returns: what there is; without git, or outside of a repository, nothing, and `gap` says why.
    """
    name = ""
    try:
        about = _git(root, "rev-parse", "--is-shallow-repository", "--show-prefix", "--verify", "HEAD")
        shallow, prefix, name = about.split("\n")[:3]
        # Counted from the newest commit, not from today: the same tree has the same audit for ever.
        now = int(_git(root, "log", "-1", "--format=%ct", name))
        key = [_FORMAT, name, prefix, shallow, years]
        history = _kept(cache, key)
        if history is None:
            history = _read(root, name, now, years, shallow == "true")
            _keep(cache, key, history)
        history.tags_a_year = _tags(root, now)  # a tag does not change the commit
    except GitError as error:
        return History([], {}, None, name, Gap("no history", ".", 0, str(error)))
    return history


def head_of(root: Path) -> str:
    """The commit that is checked out in a folder; `` outside of git, or before the first."""
    try:
        return _git(root, "rev-parse", "--verify", "HEAD").strip()
    except GitError:
        return ""


def _read(root: Path, name: str, now: int, years: float, shallow: bool) -> History:
    since = now - int(years * _SECONDS_A_YEAR)
    selection = (f"--since={since}", "--no-merges", "--no-renames", "--name-only", "--relative")
    log = _git(root, "log", *selection, "--format=%x01%ct%x02%P%x02%aN", name, "--", ".")
    ignored: Counter[str] = Counter()
    commits = list(_commits(log, ignored, shallow))
    oldest = min((commit.when for commit in commits), default=now)
    gap = None
    if shallow:
        why = f"a shallow clone: {len(commits)} usable commits; `git fetch --unshallow` gets the rest"
        gap = Gap("short history", ".", 0, why)
    elif not commits:
        gap = Gap("no history", ".", 0, f"none of {sum(ignored.values())} commits here is usable")
    reach = (now - oldest) / _SECONDS_A_YEAR
    return History(commits, dict(sorted(ignored.items())), None, name, gap, round(min(reach, years), 2))


def _git(root: Path, *args: str) -> str:
    """What a command prints. Raises GitError."""
    hooked = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")  # of the repository whose hook we run in
    environ = {key: value for key, value in os.environ.items() if key not in hooked}
    environ |= {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "--no-pager", *_DISTRUST, *args],
            cwd=root,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_SECONDS_MAX,
            check=False,
        )
    except FileNotFoundError:
        raise GitError("git is not installed") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        slow = isinstance(error, subprocess.TimeoutExpired)
        raise GitError(f"git did not answer within {GIT_SECONDS_MAX} s" if slow else f"git: {error}") from error
    if done.returncode != 0:
        raise GitError(_complaint(done.stderr.decode("utf-8", "replace")))
    return done.stdout.decode("utf-8", "replace")


def _complaint(said: str) -> str:
    if "not a git repository" in said:
        return "not a git repository"
    if "Needed a single revision" in said:
        return "the repository has no commit"
    if "dubious ownership" in said:
        return "git distrusts the owner of this repository: see `git config safe.directory`"
    return f"git failed: {said.strip().splitlines()[0] if said.strip() else 'it did not say why'}"


def _commits(log: str, ignored: Counter[str], shallow: bool) -> Iterator[Commit]:
    for record in log.split("\x01")[1:]:
        header, _, body = record.partition("\n")
        when, parents, author = header.split("\x02")
        files = sorted({line for line in body.splitlines() if line.endswith(".py")})
        if not files:
            ignored["no Python"] += 1
        elif shallow and not parents:
            ignored["where the clone was cut off"] += 1  # it seems to add every file there is
        elif len(files) > COMMIT_FILES_MAX:
            ignored[f"more than {COMMIT_FILES_MAX} files"] += 1
        elif _BOT.search(author):
            ignored["by a bot"] += 1
        else:
            yield Commit(int(when), author, tuple(files))


def _tags(root: Path, now: int) -> float | None:
    times = [int(line) for line in _git(root, "for-each-ref", "refs/tags", "--format=%(creatordate:unix)").split()]
    return float(sum(now - _SECONDS_A_YEAR < when <= now for when in times)) if times else None


def _kept(cache: Path | None, key: list[object]) -> History | None:
    if cache is None:
        return None
    try:
        kept, history = msgspec.msgpack.decode((cache / "history").read_bytes(), type=tuple[list[object], History])
    except (OSError, msgspec.DecodeError):
        return None
    return history if kept == key else None


def _keep(cache: Path | None, key: list[object], history: History) -> None:
    """Keep a history; a folder that cannot be written is no reason to fail."""
    if cache is None:
        return
    new = cache / f".history.{os.getpid()}"
    with contextlib.suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        new.write_bytes(msgspec.msgpack.encode((key, history)))
        new.replace(cache / "history")


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
    """How many people commit regularly; None without a history, or when it was cut off within the last year."""
    if not history.commits or (history.gap is not None and history.years < 1):
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
