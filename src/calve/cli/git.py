"""What git knows of files at another revision."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ..core.errors import ConfigError

SECONDS_MAX = 30


class Revision:
    """One revision of the repository that a folder is in.

    Args:
        folder: Paths are relative to it.
        name: As git takes it: a branch, a tag, `HEAD~3`, a hash.
    Raises: ConfigError: git is not installed, the folder is in no repository, or there is no such revision.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self.name = folder, name
        prefix = _git(folder, "rev-parse", "--show-prefix")
        if prefix is None:
            raise ConfigError(f"{folder} is not in a git repository", where="--against", fix="compare with the locks")
        self._prefix = prefix.decode().strip()
        commit = (
            None if name.startswith("-") else _git(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        )
        if commit is None:
            raise ConfigError(
                f"git knows no revision {name!r}",
                where="--against",
                fix="check the name; in a shallow clone, fetch it first, as in `git fetch origin main`",
            )
        self._commit = commit.decode().strip()

    def files(self, folder: str) -> list[str]:
        """Names of the files directly in a folder; empty when there is no such folder."""
        listed = _git(self._folder, "ls-tree", "-z", "--name-only", self._commit, f"{folder}/")
        names = (listed or b"").decode("utf-8", "replace").split("\0")
        return [name.rpartition("/")[2] for name in names if name]

    def read(self, path: str) -> bytes | None:
        """Content of a file; None when there was none."""
        return _git(self._folder, "cat-file", "blob", f"{self._commit}:{self._prefix}{path}")


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What a git command prints; None when it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, timeout=SECONDS_MAX, check=False
        )
    except FileNotFoundError:
        raise ConfigError("git is not installed", where="--against", fix="install git") from None
    except subprocess.TimeoutExpired:
        raise ConfigError(f"git did not answer within {SECONDS_MAX} s", where="--against") from None
    return done.stdout if done.returncode == 0 else None
