"""The log of a store: the events its service has published, each committed with what it tells of.

    async with store.transaction() as tx:
        await tx.execute("UPDATE wallet SET …")
        tx.publish(WalletDebited(owner=owner, cents=cents), key=owner)      appended last, in the same transaction

    shard 0   1 2 3 4 5 …     offsets without a gap, one after another; events of one key are in one shard, in order
    shard 1   1 2 3 …

Record          an event in the log                                       record.py
Outlet          which events a service publishes, and how they look       outlet.py
Log             the port: append, read, prune                             base.py
"""

from .base import Log, LogReader, LogTruncated
from .outlet import Entry, Outlet
from .record import VOID, Record

__all__ = ["Entry", "Log", "LogReader", "LogTruncated", "Outlet", "Record", "VOID"]
