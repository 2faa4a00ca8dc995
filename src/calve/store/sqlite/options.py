"""The settings of a SQLite store, in one place. The defaults are what the benchmarks and the documentation speak of."""

from __future__ import annotations

import msgspec


class SqliteOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How one database file is used."""

    durable: bool = True
    """Whether a commit waits until the disk has it (`synchronous=FULL`); False is for databases that may vanish."""
    busy_seconds: float = 5.0
    """How long to wait for another process, such as a backup tool, that holds the database."""
    hold_seconds_max: float = 30.0
    """Longest time for one transaction or snapshot block; then it is rolled back, so that nobody waits for ever."""
    batch_count_max: int = 512
    """Most transactions that share one commit."""
    batch_seconds_max: float = 0.020
    """A batch that has been collecting for this long takes no further transaction."""
    loop_steps_max: int = 20_000
    """Steps of SQLite's virtual machine that a read may take on the event loop's thread; roughly a millisecond."""
    loop_seconds_max: float = 0.002
    """A statement that took longer on the event loop's thread goes to a thread next time."""
    readers_max: int = 4
    """Most reads that run in threads, and snapshots, at the same time; each has a connection of its own."""
    vfs: str | None = None
    """Name of a registered SQLite VFS; tests inject faults of the disk through it."""
