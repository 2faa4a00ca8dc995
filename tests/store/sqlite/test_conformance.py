"""SQLite keeps the rules of the port: on a file, in memory, and with every statement sent to a thread."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.store import SqliteOptions, SqliteStore, Store
from calve.testing.store_suite import Features, StoreSuite


class TestFile(StoreSuite):
    """A file on the disk, as in production."""

    features = Features(reopens=True)
    options = SqliteOptions()

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "suite.db"

    async def open_store(self) -> Store:
        return await SqliteStore.open(self.path, self.schema, self.options)


class TestThreads(TestFile):
    """No statement is ever fast enough for the event loop's thread."""

    options = SqliteOptions(loop_seconds_max=-1.0, loop_steps_max=1)


class TestOneByOne(TestFile):
    """Every transaction has a commit of its own."""

    options = SqliteOptions(batch_count_max=1)


class TestMemory(StoreSuite):
    """The fake."""

    features = Features(reopens=False)

    async def open_store(self) -> Store:
        return await SqliteStore.memory(self.schema)
