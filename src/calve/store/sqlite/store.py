"""The SQLite store: one file, one writer with group commit, and readers beside it.

SqliteStore ─┬─ transaction() ──> SqliteTransaction ──> Writer ───┬─ Connection (writer) ──> COMMIT in a thread
             ├─ one(), all() ──────────────────────> Readers ────┼─ Connection (the loop's)
             └─ read() ────────> Snapshot ───────────────────────┴─ Connections (pool)
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Coroutine, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import msgspec

from ..base import Store
from ..metrics import StoreMetrics
from ..schema import SchemaFile
from .connection import Connection
from .lease import LoopShare
from .lock import FileLock
from .opening import open_reader, open_writer
from .options import SqliteOptions
from .plan import Plan
from .readers import Readers, Snapshot
from .transaction import SqliteTransaction
from .workers import Workers
from .writer import Writer

_PLANS_KEPT = 1024


class SqliteStore(Store):
    """A database file, open. Belongs to the event loop it was opened on; made by `open` or `memory`."""

    def __init__(
        self, path: Path, options: SqliteOptions, lock: FileLock, connection: Connection, thread: Workers
    ) -> None:
        loop = asyncio.get_running_loop()
        self.path = path
        """The database file."""
        self.metrics = StoreMetrics()
        share = LoopShare(options, self.metrics)
        self._lock, self._connection, self._thread = lock, connection, thread
        self._threads = Workers(loop, f"calve-read-{path.name}", options.readers_max)
        self._writer = Writer(connection, thread, share, options)
        self._readers = Readers(partial(open_reader, path, options), self._threads, share, options)
        self._write_plan = lru_cache(_PLANS_KEPT)(partial(Plan, trial=True))
        self._read_plan = lru_cache(_PLANS_KEPT)(partial(Plan, trial=False))
        self._closing: asyncio.Task[None] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    async def open(
        cls, path: str | os.PathLike[str], schema: Sequence[SchemaFile] = (), options: SqliteOptions | None = None
    ) -> SqliteStore:
        """Open a database file, make it if it is new, and bring its schema up to date.

        Args:
            path: The file; its directory must exist.
            schema: From `load_schema`.
            options: Defaults are fine.
        Raises: ConfigError: another process has it, it cannot be used, or the schema does not fit; with the next step.
        """
        path, options = Path(path), options or SqliteOptions()
        thread = Workers(asyncio.get_running_loop(), f"calve-write-{path.name}", 1)
        try:
            lock, connection = await thread.call(partial(open_writer, path, schema, options))
        except BaseException:
            thread.stop()
            raise
        return cls(path, options, lock, connection, thread)

    @classmethod
    async def memory(cls, schema: Sequence[SchemaFile] = (), options: SqliteOptions | None = None) -> SqliteStore:
        """A store that vanishes when it is closed, for tests: the real thing over a file in memory.

        SQLite's own in-memory databases have no write-ahead log: readers and the writer would block each other, and
        tests would meet errors that no file shows, and miss others.
        """
        in_memory = "/dev/shm"  # noqa: S108  (only a private directory in it is used)
        folder = tempfile.TemporaryDirectory(prefix="calve-", dir=in_memory if os.access(in_memory, os.W_OK) else None)
        try:
            options = msgspec.structs.replace(options or SqliteOptions(), durable=False)
            store = await cls.open(Path(folder.name, "memory.db"), schema, options)
        except BaseException:
            folder.cleanup()
            raise
        store._folder = folder
        return store

    def transaction(self) -> SqliteTransaction:
        return SqliteTransaction(self._writer, self._write_plan)

    def read(self) -> Snapshot:
        return Snapshot(self._readers, self._read_plan)

    def _select(self, sql: str, into: Any, params: dict[str, Any], single: bool) -> Coroutine[Any, Any, list[Any]]:
        return self._readers.select(self._read_plan(sql), params, into, single)

    async def close(self, grace_seconds: float = 10.0) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close(grace_seconds))
        await asyncio.shield(self._closing)

    async def _close(self, grace_seconds: float) -> None:
        try:
            await self._writer.drain(grace_seconds)
            await self._readers.close(grace_seconds)
            # The last connection of a file writes the log back into it, which may take a moment.
            await self._thread.call(self._connection.close)
        finally:
            self._threads.stop()
            self._thread.stop()
            self._lock.release()
            if self._folder is not None:
                self._folder.cleanup()
