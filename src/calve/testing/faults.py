"""Faults in real processes, while a test says so: a service that fails, is slow or blocks its event loop, and a
connection over which nothing comes any more.

    switch = FaultSwitch(tmp_path)                          `calve run` with switch.environ() in its environment
    with switch.on(Fault("wallet", "block", seconds=0.5)):  every call of the wallet blocks its process for so long
        ...
    switch.received                                         how many calls arrived meanwhile

    proxy = SocketProxy(listen, target)                     between a client and a server on Unix sockets
    proxy.hold()                                            nothing comes through, and nobody is told
    proxy.sever()                                           never will on what is connected now; new connections work

Who is to be killed or stopped has a process id; no help is needed for that.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from ..core.errors import Unavailable
from ..core.settings import Settings
from ..service import Call, Proceed

BUFFER_BYTES = 65536


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a service, from the next call on."""

    service: str
    kind: Literal["fail", "refuse", "slow", "block"]
    """Raises what it may not raise; says that it did not run; waits before it runs; the same without the event loop."""
    seconds: float = 0.0
    """How long `slow` waits and `block` blocks, for each call."""
    pid: int = 0
    """Only in this process; 0: wherever the service is."""


class FaultsSettings(Settings):
    """`[middleware.faults]`."""

    file: str


class Faults:
    """The middleware that is at fault. What is on is in a file, so that a test can say it to processes that run.

    Args:
        settings: Where that file is.
    """

    def __init__(self, settings: FaultsSettings) -> None:
        self._file = settings.file
        self._received = os.open(_received(settings.file), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Do what is wrong, then the call, if it comes to that."""
        fault = self._fault()
        if fault is not None and fault.service == call.service and fault.pid in (0, os.getpid()):
            os.write(self._received, b".")
            if fault.kind == "fail":
                raise RuntimeError("a fault of a test")
            if fault.kind == "refuse":
                raise Unavailable("a fault of a test", may_have_run=False)
            if fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            else:
                time.sleep(fault.seconds)  # noqa: ASYNC251  (that is the fault)
        return await proceed(call)

    def _fault(self) -> Fault | None:
        try:
            with open(self._file, "rb") as file:
                return msgspec.json.decode(file.read(), type=Fault)
        except FileNotFoundError:
            return None


class FaultSwitch:
    """Turns faults of running processes on and off.

    Args:
        folder: For its two files.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "fault.json"

    def environ(self) -> dict[str, str]:
        """What the processes need in their environment."""
        return {
            "CALVE_APP_MIDDLEWARE": f'["{Faults.__module__}:{Faults.__name__}"]',
            "CALVE_MIDDLEWARE_FAULTS_FILE": str(self._file),
        }

    @property
    def received(self) -> int:
        """How many calls have met a fault so far, in all processes, those that are gone included."""
        path = _received(self._file)
        return os.stat(path).st_size if os.path.exists(path) else 0

    @contextlib.contextmanager
    def on(self, fault: Fault) -> Iterator[None]:
        """Have a fault for the time of the block; one at a time."""
        new = self._file.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(fault))
        new.replace(self._file)
        try:
            yield
        finally:
            self._file.unlink()


def _received(file: str | os.PathLike[str]) -> str:
    return f"{os.fspath(file)}.received"


class SocketProxy:
    """Hands bytes on between Unix sockets, in a thread of its own, as long as it is let.

    Args:
        listen: Where clients connect.
        target: Where the server listens.
    """

    def __init__(self, listen: Path, target: Path) -> None:
        self._listen, self._target = listen, target
        self._gates: set[asyncio.Event] = set()
        self._flows = True
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="proxy", daemon=True)

    def __enter__(self) -> SocketProxy:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up on everybody."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def hold(self) -> None:
        """Let nothing through, on new connections either; whoever connects is accepted."""
        self._set(flows=False, gates=False)

    def flow(self) -> None:
        """Let everything through, what was held as well."""
        self._set(flows=True, gates=True)

    def sever(self) -> None:
        """Let nothing through on the connections there are, ever again, and everything on new ones."""
        self._set(flows=True, gates=False)

    def _set(self, *, flows: bool, gates: bool) -> None:
        async def change() -> None:
            self._flows = flows
            for gate in self._gates:
                gate.set() if gates else gate.clear()
            if flows and not gates:
                self._gates = set()  # nobody opens these any more

        asyncio.run_coroutine_threadsafe(change(), self._loop).result()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._carry(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_unix_server(accept, self._listen)
        self._started.set()
        await self._stop.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gate = asyncio.Event()
        self._gates.add(gate)
        if self._flows:
            gate.set()
        try:
            await gate.wait()
            with contextlib.suppress(OSError):
                there, away = await asyncio.open_unix_connection(self._target)
                try:
                    # One end is enough: no side of the wire goes on with half a connection.
                    pumps = [asyncio.ensure_future(_pump(gate, *pair)) for pair in ((reader, away), (there, writer))]
                    try:
                        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        for pump in pumps:
                            pump.cancel()
                        await asyncio.gather(*pumps, return_exceptions=True)
                finally:
                    away.close()
        finally:
            writer.close()
            self._gates.discard(gate)


async def _pump(gate: asyncio.Event, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(BUFFER_BYTES):
        await gate.wait()
        writer.write(data)
        await writer.drain()
    await gate.wait()  # nor does the end come through
