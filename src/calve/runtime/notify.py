r"""The line between the supervisor and a unit: one socket pair per process.

    unit ──> supervisor     one JSON object per line:  {"state": "starting", "detail": "opening the store of wallet"}\n
    supervisor ──> unit     nothing, ever; end of file means that the supervisor is gone

    state      when                                                     also has
    starting   at each step of the start                                detail
    ready      it serves                                                http: URL or null
    draining   it was asked to stop                                     -
    stopped    everything is released                                   -
    failed     it cannot start because something is configured wrong    detail: the message

The unit finds its end's number in CALVE_NOTIFY_FD. End of file works on every system and however the supervisor died,
where a death signal is Linux only and comes too early when the thread that started the unit ends first.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import MutableMapping

import msgspec

FD_VARIABLE = "CALVE_NOTIFY_FD"


class Notice(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line."""

    state: str
    detail: str = ""
    http: str | None = None


class Notifier:
    """The unit's end. Use `Notifier.take`; without a supervisor nothing is sent."""

    def __init__(self, end: socket.socket | None) -> None:
        self._end = end

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

    def watch_supervisor(self, patience_seconds: float) -> None:
        """When the supervisor is gone, ask this process to stop as SIGTERM does; end it if it has not after a while.

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

    @staticmethod
    def _wait(end: socket.socket, patience_seconds: float) -> None:
        with contextlib.suppress(OSError):
            while end.recv(1):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(patience_seconds)
        os._exit(1)


class NoticeReader:
    """The supervisor's end: bytes in, notices out. A line that is no notice is dropped."""

    LINE_BYTES_MAX = 65536

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Notice]:
        """Take what arrived; return the notices that are complete."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        self._buffer = self._buffer[-self.LINE_BYTES_MAX :]
        notices = []
        for line in lines:
            with contextlib.suppress(msgspec.DecodeError):
                notices.append(_decoder.decode(line))
        return notices


_decoder = msgspec.json.Decoder(Notice)
