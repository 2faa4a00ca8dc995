"""The SQLite store: one file, one writer with group commit, and readers beside it.

SqliteStore ─┬─ transaction() ──> SqliteTransaction ──> Writer ───┬─ Connection (writer) ──> COMMIT in a thread
             ├─ one(), all() ──────────────────────> Readers ────┼─ Connection (the loop's)
             └─ read() ────────> Snapshot ───────────────────────┴─ Connections (pool)
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import tempfile
from collections.abc import Coroutine, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import apsw
import msgspec

from ..base import Store
from ..metrics import StoreMetrics
from ..schema import SchemaFile
from .connection import Connection
from .lease import LoopShare
from .lock import FileLock
from .log import SqliteLog
from .opening import open_reader, open_writer
from .options import SqliteOptions
from .plan import Plan
from .readers import Readers, Snapshot
from .transaction import SqliteTransaction
from .workers import InlineWorkers, Workers
from .writer import Writer

_PLANS_KEPT = 1024


class SqliteStore(Store):
    """A database file, open. Belongs to the event loop it was opened on; made by `open` or `memory`.

    Do not open the file with the standard library's `sqlite3` in the same process: two copies of SQLite in one process
    undo each other's locks. From another process (the `sqlite3` shell, a backup tool) it is fine.
    """

    dialect = "sqlite"
    exclusive = True

    def __init__(
        self,
        path: Path,
        options: SqliteOptions,
        lock: FileLock,
        connection: Connection,
        threads: tuple[Workers, Workers],
    ) -> None:
        self.path = path
        """The database file."""
        self.metrics = StoreMetrics()
        self._lock, self._connection, (self._write_thread, self._read_threads) = lock, connection, threads
        share = LoopShare(options, self.metrics)
        write_plans, read_plans = (lru_cache(_PLANS_KEPT)(partial(Plan, trial=trial)) for trial in (True, False))
        self._writer = Writer(connection, self._write_thread, share, write_plans, options)
        connect = partial(open_reader, path, options)
        self._readers = Readers(connect, self._read_threads, share, read_plans, options)
        self.log = SqliteLog(self, self._transaction)
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
        loop, name = asyncio.get_running_loop(), f"calve-{path.name}"
        threads = Workers(loop, f"{name}-write", 1), Workers(loop, f"{name}-read", options.readers_max)
        return await cls._open(path, schema, options, threads)

    @classmethod
    async def memory(cls, schema: Sequence[SchemaFile] = (), options: SqliteOptions | None = None) -> SqliteStore:
        """A store for tests: the real thing, but over a file in memory that vanishes with it, and without threads.

        So it works under virtual time too. SQLite's own in-memory databases are not used, because they have no log to
        write ahead: readers and the writer would block each other, and tests would meet errors that no file shows.
        """
        in_memory = "/dev/shm"  # noqa: S108  (only a private directory in it is used)
        folder = tempfile.TemporaryDirectory(prefix="calve-", dir=in_memory if os.access(in_memory, os.W_OK) else None)
        threads = InlineWorkers(asyncio.get_running_loop(), "", 0), InlineWorkers(asyncio.get_running_loop(), "", 0)
        try:
            options = msgspec.structs.replace(options or SqliteOptions(), durable=False)
            store = await cls._open(Path(folder.name, "memory.db"), schema, options, threads)
        except BaseException:
            folder.cleanup()
            raise
        store._folder = folder
        return store

    @classmethod
    async def _open(
        cls, path: Path, schema: Sequence[SchemaFile], options: SqliteOptions, threads: tuple[Workers, Workers]
    ) -> SqliteStore:
        loop = asyncio.get_running_loop()
        opening = loop.create_task(threads[0].call(partial(open_writer, path, schema, options)))

        def discard(opened: asyncio.Task[tuple[FileLock, Connection]]) -> None:
            if not opened.cancelled() and opened.exception() is None:
                lock, connection = opened.result()
                connection.close()
                lock.release()
            threads[0].stop()

        try:
            lock, connection = await asyncio.shield(opening)
        except BaseException:
            opening.add_done_callback(discard)  # the thread may still be at it, if this is a cancellation
            raise
        return cls(path, options, lock, connection, threads)

    def _transaction(self) -> SqliteTransaction:
        return SqliteTransaction(self._writer, self.log)

    def read(self) -> Snapshot:
        return Snapshot(self._readers)

    def _select(self, sql: str, into: Any, params: dict[str, Any], single: bool) -> Coroutine[Any, Any, list[Any]]:
        return self._readers.select(sql, into, params, single)

    def forked(self) -> None:
        """In a process forked from this one: the database stays the parent's.

        SQLite forbids to use a connection across a fork, and closing one is use: it could write the log back, or delete
        it, under the parent's hands. So the connections get a reference that nobody ever gives back.
        """
        self._lock.forked()
        for connection in apsw.connections():
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))

    async def close(self, grace_seconds: float = 10.0) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close(grace_seconds))
        await asyncio.shield(self._closing)

    async def _close(self, grace_seconds: float) -> None:
        try:
            await self._writer.drain(grace_seconds)
            await self._readers.close(grace_seconds)
            # The last connection of a file writes the log back into it, which may take a moment.
            await self._write_thread.call(self._connection.close)
        finally:
            self._read_threads.stop()
            self._write_thread.stop()
            self._lock.release()
            if self._folder is not None:
                self._folder.cleanup()
