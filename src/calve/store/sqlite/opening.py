"""Opening a database file, and saying what to do when it cannot be opened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import apsw

from ...core.errors import ConfigError
from ..errors import StoreUnavailable
from ..schema import SchemaFile
from .connection import Connection
from .errors import translate
from .lock import FileLock
from .migrate import migrate
from .options import SqliteOptions


def open_writer(path: Path, schema: Sequence[SchemaFile], options: SqliteOptions) -> tuple[FileLock, Connection]:
    """Lock the file, open it (making it if it is new), verify and apply the schema. Blocks; run it in a thread.

    Raises: ConfigError: says what is wrong with the file, the directory or the schema, and the next step.
    """
    check_place(path)
    lock = FileLock(path)
    try:
        connection = Connection(path, options, readonly=False)
        try:
            migrate(connection.raw, schema, str(path))
            connection.raw.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            connection.close()
            raise
    except apsw.Error as error:
        lock.release()
        raise _unusable(path, error) from error
    except BaseException:
        lock.release()
        raise
    connection.patient(False)
    return lock, connection


def open_reader(path: Path, options: SqliteOptions) -> Connection:
    """A further connection, which may only read. Raises StoreUnavailable."""
    try:
        return Connection(path, options, readonly=True)
    except apsw.Error as error:
        raise StoreUnavailable(f"no further connection to {path}: {translate(error, 'open')}") from error


def check_place(path: Path) -> None:
    """Raise ConfigError if no database file can be at `path`."""
    folder = path.parent
    if not folder.is_dir():
        raise ConfigError(f"directory {folder} does not exist", where=str(path), fix=f"make it: mkdir -p {folder}")
    if path.is_dir():
        raise ConfigError("is a directory, not a database file", where=str(path), fix="name a file in it")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"directory {folder} is not writable", where=str(path), fix="let this user write to it")
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise ConfigError("is not readable and writable", where=str(path), fix="let this user read and write it")


def _unusable(path: Path, error: apsw.Error) -> ConfigError:
    if isinstance(error, apsw.NotADBError):
        what, fix = "is not a SQLite database", "move that file away, or name another one in [store] url"
    elif isinstance(error, apsw.CorruptError):
        what = f"is damaged ({error})"
        fix = "restore a backup, or rescue what is left with the `.recover` command of the sqlite3 shell"
    elif isinstance(error, apsw.BusyError | apsw.LockedError):
        what, fix = "another program holds the database", "close that program"
    elif isinstance(error, apsw.FullError):
        what, fix = "the disk is full", "free some space"
    elif isinstance(error, apsw.ReadOnlyError | apsw.PermissionsError):
        what, fix = "is read-only", "let this user write it, and see that its file system is writable"
    else:
        what, fix = f"cannot be opened: {error}", "see that it is a file on a local, writable disk"
    return ConfigError(what, where=str(path), fix=fix)
