"""One operating system process of a unit, as the supervisor sees it.

    spawn ──> starting ──> standby ──open──> ready ──> exited(code)
                  │           │ ^             └──release──> released ──open──> ready
                  └───────────┴─┴──> failed(message) ──> exited(2)

A process runs in a session of its own: a Ctrl-C in the terminal reaches the supervisor alone, which then stops units in
order; and killing it takes whatever it started along.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import msgspec

from .notify import FD_VARIABLE, LineReader, Notice, Order
from .output import Lines, Output
from .sockets import NO_SOCKETS, Sockets

LAST_OUTPUT_SECONDS = 1.0


class Child:
    """A started process. Made by `Child.spawn`.

    Attributes:
        standby: Set when it is checked and may be opened.
        ready: Set while it is ready.
        released: Set while it holds nothing, after having been ready.
        exited: Set when it is gone.
        failure: Why it could not start, in its own words; None unless it said so.
        http: Its URL, once ready.
        files: Its services whose store is a file, once it stands by.
    """

    def __init__(self, name: str, output: Output, on_notice: Callable[[Notice], None]) -> None:
        self.name = name
        self.standby, self.ready, self.released, self.exited = (asyncio.Event() for _ in range(4))
        self.failure: str | None = None
        self.http: str | None = None
        self.files: tuple[str, ...] = ()
        self._output, self._on_notice = output, on_notice
        self._reader = LineReader(Notice)
        self._report: asyncio.Future[Notice] | None = None
        self._ours: socket.socket | None = None
        self._pipes: _Pipes | None = None
        self._transport: asyncio.SubprocessTransport | None = None

    @classmethod
    async def spawn(
        cls,
        name: str,
        command: Sequence[str],
        environ: Mapping[str, str],
        output: Output,
        on_notice: Callable[[Notice], None],
        sockets: Sockets = NO_SOCKETS,
        *,
        stand_by: bool = False,
    ) -> Child:
        """Start a process.

        Args:
            name: Label of its lines.
            command: Program and arguments.
            environ: Its whole environment; the number of its notify socket is added.
            output: Where its lines go.
            on_notice: Called with every notice it sends.
            sockets: What it listens at; inherited.
            stand_by: Whether it waits for an `open` once it is checked, instead of being told so now.
        Raises: OSError: the program cannot be started.
        """
        child = cls(name, output, on_notice)
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        try:
            ours.setblocking(False)
            transport, pipes = await loop.subprocess_exec(
                lambda: _Pipes(child, output),
                *command,
                stdin=subprocess.DEVNULL,
                env={**environ, **sockets.environ(), FD_VARIABLE: str(theirs.fileno())},
                pass_fds=(theirs.fileno(), *sockets.numbers()),
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        child._ours, child._transport, child._pipes = ours, transport, pipes
        loop.add_reader(ours, child._read_notices)
        if not stand_by:
            child.order(Order("open"))
        return child

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._transport is not None
        return self._transport.get_pid()

    @property
    def exit_code(self) -> int:
        """Once exited; negative: the signal that ended it."""
        assert self._transport is not None
        return cast(int, self._transport.get_returncode())

    def order(self, order: Order) -> None:
        """Tell it to do something; no-op when it is gone, or has not listened for very long."""
        assert self._ours is not None
        with contextlib.suppress(OSError):
            self._ours.send(msgspec.json.encode(order) + b"\n")

    async def report(self, timeout_seconds: float) -> Notice | None:
        """Ask it how it is. Returns: its report; None when it gives none in time. One at a time."""
        if self._report is None:
            self._report = asyncio.get_running_loop().create_future()
        self.order(Order("report"))
        try:
            async with asyncio.timeout(timeout_seconds):
                return await asyncio.shield(self._report)
        except TimeoutError:
            return None

    def terminate(self) -> None:
        """Ask it to stop; no-op when it is gone."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and everything it started; no-op when it is gone."""
        if not self.exited.is_set():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    def pause(self, pause: bool) -> None:
        """Stop or go on reading what it writes."""
        assert self._transport is not None
        for fd in (1, 2):
            pipe = cast("asyncio.ReadTransport | None", self._transport.get_pipe_transport(fd))
            if pipe is not None and not pipe.is_closing():
                pipe.pause_reading() if pause else pipe.resume_reading()

    async def close(self) -> None:
        """After the exit: take its last lines and release what it held. No-op the second time."""
        assert self._pipes is not None
        assert self._transport is not None
        assert self._ours is not None
        if self._ours.fileno() < 0:
            return
        with contextlib.suppress(TimeoutError):  # something it started may hold its pipes open for ever
            await asyncio.wait_for(self._pipes.closed.wait(), LAST_OUTPUT_SECONDS)
        self._read_notices()
        asyncio.get_running_loop().remove_reader(self._ours)
        self._ours.close()
        self._transport.close()

    def _signal(self, number: signal.Signals) -> None:
        if not self.exited.is_set():
            # Not by the transport: it would first ask whether the process is gone, and so take the exit code away from
            # whoever waits for it.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, number)

    def _read_notices(self) -> None:
        assert self._ours is not None
        received = b""
        try:
            while data := self._ours.recv(65536):
                received += data
            asyncio.get_running_loop().remove_reader(self._ours)
        except BlockingIOError:
            pass
        except OSError:  # reset: the process is gone
            asyncio.get_running_loop().remove_reader(self._ours)
        for notice in self._reader.feed(received):
            self._note(notice)
            self._on_notice(notice)

    def _note(self, notice: Notice) -> None:
        match notice.state:
            case "standby":
                self.files = notice.files
                self.standby.set()
            case "ready":
                self.http, self.files = notice.http, notice.files
                self.released.clear()
                self.ready.set()
            case "draining":
                self.ready.clear()
            case "released":
                self.released.set()
            case "failed":
                self.failure = notice.detail
            case "report" if self._report is not None:
                self._report.set_result(notice)
                self._report = None


class _Pipes(asyncio.SubprocessProtocol):
    """Hands the lines of a process to the output."""

    def __init__(self, child: Child, output: Output) -> None:
        self._child, self._output = child, output
        self._lines = {1: Lines(), 2: Lines()}
        self._open = {1, 2}
        self.closed = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        for line in self._lines[fd].feed(data):
            self._output.line(self._child.name, fd, line)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        for line in self._lines[fd].flush():
            self._output.line(self._child.name, fd, line)
        self._open.discard(fd)
        if not self._open:
            self.closed.set()

    def process_exited(self) -> None:
        self._child.exited.set()


def describe_exit(code: int) -> str:
    """`ended with exit code 1`, `was killed (SIGKILL)`."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed ({signal.Signals(-code).name})"
    except ValueError:
        return f"was killed (signal {-code})"


def calve_command(config_path: str, topology: str, unit: str) -> list[str]:
    """The command line of a unit's process, with the interpreter that runs now."""
    return [sys.executable, "-m", "calve", "run", "--config", config_path, "--topology", topology, "--unit", unit]
