r"""The line between the supervisor and a unit: one socket pair per process, one JSON object per line, both ways.

    unit ──> supervisor     {"state": "starting", "detail": "opening the store of wallet"}\n

    state      when                                                     also has
    starting   at each step of the start                                detail
    standby    everything is checked; waits for `open`                  files
    ready      it serves                                                http: URL or null, files
    draining   it was asked to stop or to release                       -
    released   it serves nobody and holds nothing; waits for `open`     -
    stopped    everything is released for good                          -
    failed     it cannot start because something is configured wrong    detail: the message
    report     it was asked for one                                     checks, calls, errors

    supervisor ──> unit     {"do": "open"}\n

    do         what                                                     may also have
    open       open the stores and serve; also after `release`          -
    release    serve nobody, close the stores, stay                     delay_seconds, grace_seconds
    stop       end, as SIGTERM does                                     delay_seconds, grace_seconds
    report     say how it is                                            -

End of file means that the supervisor is gone. The unit finds its end's number in CALVE_NOTIFY_FD. End of file works on
every system and however the supervisor died, where a death signal is Linux only and comes too early when the thread
that started the unit ends first.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, MutableMapping
from typing import Generic, Literal, TypeVar

import msgspec

FD_VARIABLE = "CALVE_NOTIFY_FD"


class Notice(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a unit says."""

    state: str
    detail: str = ""
    http: str | None = None
    files: tuple[str, ...] = ()
    """Its services whose store is a file, which only one process may have open."""
    checks: dict[str, str] = {}
    """By name: `ok`, or what is wrong."""
    calls: int = 0
    """Ended since it started."""
    errors: int = 0
    """Of them, those that ended in a fault of the unit."""


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the supervisor says."""

    do: Literal["open", "release", "stop", "report"]
    delay_seconds: float | None = None
    """How long it goes on serving while clients are asked to connect elsewhere; None is its own setting."""
    grace_seconds: float | None = None
    """How long calls in flight may go on after that; None is its own setting."""


class Notifier:
    """The unit's end. Use `Notifier.take`; without a supervisor nothing is sent and nothing arrives."""

    def __init__(self, end: socket.socket | None) -> None:
        self._end = end
        self._lock = threading.Lock()
        self._early: list[Order] = []
        self._hand_on: Callable[[Order], None] = self._early.append

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> Notifier:
        """Take over the inherited socket; its variable is removed, so that children of the unit do not see it."""
        number = environ.pop(FD_VARIABLE, None)
        if number is None:
            return cls(None)
        end = socket.socket(fileno=int(number))
        end.set_inheritable(False)
        return cls(end)

    @property
    def supervised(self) -> bool:
        """Whether a supervisor listens."""
        return self._end is not None

    def send(self, notice: Notice) -> None:
        """Tell the supervisor; silent when there is none (any more)."""
        if self._end is not None:
            with contextlib.suppress(OSError):
                self._end.sendall(msgspec.json.encode(notice) + b"\n")

    def listen(self, on_order: Callable[[Order], None]) -> None:
        """Hand every order, those that have come already included, to `on_order` on the running loop."""
        loop = asyncio.get_running_loop()

        def hand_on(order: Order) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(on_order, order)

        with self._lock:
            early, self._hand_on = self._early, hand_on
        for order in early:
            on_order(order)

    def watch_supervisor(self, patience_seconds: float) -> None:
        """Take orders. When the supervisor is gone, ask this process to stop as SIGTERM does; end it if it does not.

        A thread and not a task: it works while the services are still being imported and when the event loop hangs.
        """
        if self._end is not None:
            threading.Thread(
                target=self._wait, args=(self._end, patience_seconds), name="lifeline", daemon=True
            ).start()

    def close(self) -> None:
        """Let go of the socket; no-op without a supervisor. Not while `watch_supervisor` waits on it."""
        if self._end is not None:
            self._end.close()

    def _wait(self, end: socket.socket, patience_seconds: float) -> None:
        reader = LineReader(Order)
        with contextlib.suppress(OSError):
            while data := end.recv(4096):
                for order in reader.feed(data):
                    with self._lock:
                        self._hand_on(order)
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(patience_seconds)
        os._exit(1)


T = TypeVar("T", Notice, Order)


class LineReader(Generic[T]):
    """Bytes in, notices or orders out. A line that is none is dropped."""

    LINE_BYTES_MAX = 65536

    def __init__(self, kind: type[T]) -> None:
        self._buffer = b""
        self._decoder: msgspec.json.Decoder[T] = msgspec.json.Decoder(kind)

    def feed(self, data: bytes) -> list[T]:
        """Take what arrived; return what is complete."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self._buffer = self._buffer[-self.LINE_BYTES_MAX :]
        found = []
        for line in lines:
            with contextlib.suppress(msgspec.DecodeError):
                found.append(self._decoder.decode(line))
        return found
