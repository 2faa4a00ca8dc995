"""A disk that fails on demand and forgets what was not synchronised, for tests of whatever keeps data in SQLite.

    disk = FaultyDisk()
    store = await SqliteStore.open(path, schema, SqliteOptions(vfs=disk.vfs))
    disk.fail("write", apsw.SQLITE_FULL)                         # until disk.fail("write", None)
    disk.on_sync = lambda: ...                                   # look at the moment before a synchronisation
    disk.after_power_loss(folder, random.Random(seed))           # what a new process would find

A write goes to the real file and is also noted. A synchronisation makes the notes of its file durable; a power loss
keeps what is durable, and of every later write all, nothing, or a torn part in whole sectors, each on its own.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import apsw

SECTOR_BYTES = 512
_numbers = itertools.count()

Operation = Literal["write", "sync"]


class _Image:
    """One file as the disk has it: what is durable, and the writes since."""

    def __init__(self) -> None:
        self.durable = bytearray()
        self.pending: list[tuple[int, bytes | None]] = []
        """Offset and bytes, or length and None for a truncation."""

    def sync(self) -> None:
        for offset, data in self.pending:
            _apply(self.durable, offset, data)
        self.pending.clear()

    def after_power_loss(self, chance: random.Random) -> bytes:
        content = bytearray(self.durable)
        for offset, data in self.pending:
            kept = chance.choice(("all", "nothing", "torn"))
            if kept == "torn" and data is not None:
                data = data[: chance.randrange(len(data) // SECTOR_BYTES + 1) * SECTOR_BYTES]
            if kept != "nothing":
                _apply(content, offset, data)
        return bytes(content)


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


class FaultyDisk:
    """A SQLite VFS over the real one. Register one per test; it goes with the object."""

    def __init__(self) -> None:
        self.vfs = f"calve-faulty-{next(_numbers)}"
        """Name for `SqliteOptions.vfs`."""
        self.images: dict[str, _Image] = {}
        self.lock = threading.Lock()
        self.on_sync: Callable[[], None] | None = None
        """Called before each synchronisation, in whichever thread does it."""
        self._faults: dict[Operation, int] = {}
        self._vfs = _Vfs(self)

    def fail(self, operation: Operation, code: int | None) -> None:
        """Let every further operation of this sort fail with a code such as `apsw.SQLITE_FULL`; None ends it."""
        if code is None:
            self._faults.pop(operation, None)
        else:
            self._faults[operation] = code

    def check(self, operation: Operation) -> None:
        """Raise the fault that is set for an operation."""
        if operation in self._faults:
            error = apsw.exception_for(self._faults[operation])
            error.args = (f"the faulty disk refused a {operation}",)
            raise error

    def after_power_loss(self, folder: Path, chance: random.Random) -> None:
        """Write to `folder` what each file would hold if the power went now."""
        with self.lock:
            for name, image in self.images.items():
                (folder / Path(name).name).write_bytes(image.after_power_loss(chance))


class _Vfs(apsw.VFS):
    def __init__(self, disk: FaultyDisk) -> None:
        self._disk = disk
        super().__init__(disk.vfs, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  (SQLite's names)
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        with self._disk.lock:
            self._disk.images.pop(filename, None)


class _File(apsw.VFSFile):
    def __init__(self, disk: FaultyDisk, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)
        self._disk = disk
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        with disk.lock:
            self._image = disk.images.setdefault(path, _Image()) if path else _Image()

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        self._disk.check("write")
        super().xWrite(data, offset)
        with self._disk.lock:
            self._image.pending.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        with self._disk.lock:
            self._image.pending.append((newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.check("sync")
        if self._disk.on_sync is not None:
            self._disk.on_sync()
        super().xSync(flags)
        with self._disk.lock:
            self._image.sync()
