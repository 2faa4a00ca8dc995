"""What the units write, on one terminal: whole lines, labelled and coloured.

    front    | GET /products 200                a label per process when there are several, coloured on a terminal
    money.2  | wallet debited
    calve    | money.2 was killed (SIGKILL); restarting in 0.6 s
    {"ts": …, "level": "info", …}               where logs are JSON, so are the supervisor's own lines, and off a
                                                terminal a record goes through without a label

All writing happens in one thread, so that lines never mix and a reader who stalls (`calve run | less`) does not keep
the supervisor from watching its units: when too much waits, the units are no longer read and block in their own writes,
as they would without a supervisor. Nothing is dropped.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import BinaryIO, Literal, TextIO

import msgspec

BACKLOG_BYTES_HIGH = 1 << 20
BACKLOG_BYTES_LOW = 1 << 18
LINE_BYTES_MAX = 1 << 16
CLOSE_SECONDS = 2.0

OWN = "calve"
_COLOURS = (36, 33, 35, 32, 34, 31)


class Lines:
    """Cuts a stream of bytes into lines; one that is longer than the limit is cut into pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take what arrived; return the lines that are complete, without their ends."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        while len(self._rest) > LINE_BYTES_MAX:
            lines.append(self._rest[:LINE_BYTES_MAX])
            self._rest = self._rest[LINE_BYTES_MAX:]
        return lines

    def flush(self) -> list[bytes]:
        """What is left without an end, when the stream is closed."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []


class OutputOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How lines are written."""

    colour: bool = False
    """Whether labels are coloured."""
    terminal: bool = False
    """Whether a person reads; JSON records are labelled then like any other line."""
    json: bool = False
    """Whether the supervisor's own lines are JSON records, as the units' are."""

    @classmethod
    def choose(cls, log_format: Literal["auto", "console", "json"], stream: TextIO) -> OutputOptions:
        """What suits a stream: `[log] format`, where auto is console on a terminal, else JSON."""
        terminal = stream.isatty()
        json = log_format == "json" or (log_format == "auto" and not terminal)
        return cls(colour=wants_colour(stream), terminal=terminal, json=json)


class Output:
    """Where lines go.

    Args:
        names: Of the processes; with fewer than two their lines get no label.
        stdout: For what units write to their standard output.
        stderr: For what they write to their standard error, and for the supervisor's own lines.
        options: How.
    """

    def __init__(self, names: list[str], stdout: BinaryIO, stderr: BinaryIO, options: OutputOptions) -> None:
        self._streams = {1: stdout, 2: stderr}
        self._options = options
        self._names = list(names)
        self._labels = _labels(names, options.colour)
        self._waiting = 0
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[tuple[BinaryIO, bytes] | None] = queue.SimpleQueue()
        self.on_backlog: Callable[[bool], None] = lambda full: None
        """Called with True when too much waits (in the caller's thread), with False when it is written (in another)."""
        self._full = False
        self._thread = threading.Thread(target=self._write, name="output", daemon=True)
        self._thread.start()

    def add(self, name: str) -> None:
        """One more process; from now on there are several."""
        if name not in self._names:
            self._names.append(name)
            self._labels = _labels(self._names, self._options.colour)

    @property
    def full(self) -> bool:
        """Whether too much waits."""
        return self._full

    def line(self, name: str, fd: int, text: bytes) -> None:
        """Write one line of a process; never blocks.

        Args:
            name: Of the process, or `OWN`.
            fd: 1 for standard output, 2 for standard error.
            text: Without line end.
        """
        label = self._labels.get(name, b"")
        if text.startswith(b"{") and not self._options.terminal:
            label = b""
        data = label + text.removesuffix(b"\r") + b"\n"
        with self._lock:
            self._waiting += len(data)
            filled = self._waiting > BACKLOG_BYTES_HIGH and not self._full
            self._full = self._full or filled
        self._queue.put((self._streams[fd], data))
        if filled:
            self.on_backlog(True)

    def say(self, text: str, level: Literal["info", "warning"] = "info") -> None:
        """Write a line of the supervisor's own."""
        if self._options.json:
            now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
            record = {"ts": now, "level": level, "logger": "calve.supervisor", "message": text}
            self.line(OWN, 2, msgspec.json.encode(record))
        else:
            self.line(OWN, 2, text.encode())

    def close(self) -> None:
        """Write what waits, but no longer than a moment for a reader who stalls."""
        self._queue.put(None)
        self._thread.join(CLOSE_SECONDS)

    def _write(self) -> None:
        gone: set[BinaryIO] = set()
        while (item := self._queue.get()) is not None:
            stream, data = item
            if stream not in gone:
                try:
                    stream.write(data)
                    stream.flush()
                except (OSError, ValueError):  # the reader went away: the units run on, unread
                    gone.add(stream)
            with self._lock:
                self._waiting -= len(data)
                emptied = self._full and self._waiting < BACKLOG_BYTES_LOW
                self._full = self._full and not emptied
            if emptied:
                self.on_backlog(False)


def _labels(names: list[str], colour: bool) -> dict[str, bytes]:
    shown = names if len(names) > 1 else []
    width = max(map(len, [*shown, OWN]))
    labels = {}
    for number, name in enumerate(shown):
        start, end = (f"\x1b[{_COLOURS[number % len(_COLOURS)]}m", "\x1b[0m") if colour else ("", "")
        labels[name] = f"{start}{name:<{width}} |{end} ".encode()
    start, end = ("\x1b[1m", "\x1b[0m") if colour else ("", "")
    labels[OWN] = f"{start}{OWN:<{width}} |{end} ".encode()
    return labels


def wants_colour(stream: TextIO, environ: Mapping[str, str] | None = None) -> bool:
    """A terminal that can show colours, and nobody said no (https://no-color.org)."""
    environ = os.environ if environ is None else environ
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
