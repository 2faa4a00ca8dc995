"""The store's SQLite adapter: group commit on one file per service, through apsw."""

from .options import SqliteOptions
from .store import SqliteStore

__all__ = ["SqliteOptions", "SqliteStore"]
