"""A bare group-commit loop over apsw: what is left of an outbox when nothing is checked, and nobody may run statements.

A thread takes what is queued, runs each job in a savepoint, commits once, and wakes everybody at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

import apsw

SETTINGS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA wal_autocheckpoint = 4000")
BATCH_MAX = 512

Job = Callable[[apsw.Cursor], None]


class GroupCommit:
    """One writer thread. Belongs to the loop it was made on."""

    def __init__(self, path: Path, schema: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[tuple[Job, asyncio.Future[None]] | None] = SimpleQueue()
        self._connection = apsw.Connection(str(path))
        for statement in (*SETTINGS, schema):
            self._connection.execute(statement).fetchall()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def submit(self, job: Job) -> asyncio.Future[None]:
        """Run a job in a transaction; the future is done when that is durable."""
        future = self._loop.create_future()
        self._queue.put((job, future))
        return future

    def _run(self) -> None:
        cursor = self._connection.cursor()
        while (first := self._queue.get()) is not None:
            batch = [first]
            while len(batch) < BATCH_MAX:
                try:
                    item = self._queue.get_nowait()
                except Empty:
                    break
                if item is None:
                    self._queue.put(None)
                    break
                batch.append(item)
            cursor.execute("BEGIN IMMEDIATE")
            for job, _ in batch:
                cursor.execute("SAVEPOINT one")
                job(cursor)
                cursor.execute("RELEASE one")
            cursor.execute("COMMIT")
            self._loop.call_soon_threadsafe(_wake, [future for _, future in batch])

    def close(self) -> None:
        """Finish what is queued."""
        self._queue.put(None)
        self._thread.join()
        self._connection.close()


def _wake(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
