"""The conformance suite of the Store port: what every adapter does the same, whatever is behind it.

    class TestMyStore(StoreSuite):
        features = Features(reopens=True)

        async def open_store(self) -> Store:
            return await MyStore.open(self.url, self.schema)

`open_store` opens the same database each time, made with `schema` (override it where the types of columns differ) and
empty at the start of each test. Needs pytest and pytest-asyncio in automatic mode.
"""

from .base import Features
from .log import LogTests
from .marks import MarkTests
from .rows import RowTests
from .transactions import TransactionTests


class StoreSuite(RowTests, TransactionTests, MarkTests, LogTests):
    """Subclass it, declare `features`, write `open_store`."""


__all__ = ["Features", "StoreSuite"]
