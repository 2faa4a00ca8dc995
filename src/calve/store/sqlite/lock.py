"""One process per database file: an advisory lock beside it that says who holds it.

SQLite itself would let a second process in, and group commit, the schema check at start and every "single writer" below
would quietly stop being true. The lock is `flock` on `<file>.lock`, which the kernel releases when its holder dies,
however it dies; the file's content, the holder's process id, is only for messages. It is never deleted: a process that
had it open already would then hold a lock on a file that nobody else can see.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ...core.errors import ConfigError
from ...core.forks import release


class FileLock:
    """The lock of one database, held from construction until `release`.

    Raises: ConfigError: somebody else holds it (by process id), or the lock file cannot be written.
    """

    def __init__(self, database: Path) -> None:
        path = database.with_name(f"{database.name}.lock")
        try:
            self._fd: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise ConfigError(
                f"the lock file cannot be written: {error.strerror}",
                where=str(path),
                fix="make its directory writable for this user",
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._fd, 32).decode(errors="replace").strip()
            os.close(self._fd)
            raise _in_use(database, holder) from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def forked(self) -> None:
        """In a process forked from this one: let go of the lock, which is the parent's. The number stays taken."""
        if self._fd is not None:
            release([self._fd])

    def release(self) -> None:
        """Let others in. No-op the second time."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _in_use(database: Path, holder: str) -> ConfigError:
    if holder == str(os.getpid()):
        what, fix = "this process has the database open already", "give each service a file of its own: {service}.db"
    else:
        what = f"process {holder or '(unknown)'} uses the database, and a SQLite file belongs to one process"
        fix = "stop that process, or give this one another file"
    return ConfigError(what, where=str(database), fix=fix)
