"""The trace as it is kept: what each place of the project did to tables while its tests ran.

It is made from the files of the recorded processes and holds names only: paths, functions and tables of the project.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from ...core.errors import ConfigError

SCHEMA_VERSION = 1
DEFAULT_PATH = Path(".calve") / "trace.json"
"""In the audited project."""


class Span(msgspec.Struct, frozen=True, order=True):
    """One course that a transaction or a request took."""

    kind: Literal["transaction", "request"]
    path: str
    """Relative to the project; `` when no code of the project is known to have begun it."""
    line: int
    """0 when only the function is known."""
    function: str
    """Qualified name; of the view for a request."""
    steps: tuple[tuple[Literal["read", "write"], str], ...]
    """Tables in the order they were first touched, in lower case."""
    runs: int


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """All that was recorded."""

    schema_version: int = SCHEMA_VERSION
    head: str
    """Commit of the project; `` outside of git."""
    processes: int
    """In which something could be listened to."""
    hooks: list[str]
    """Modules that were listened to."""
    errors: dict[str, int]
    """Failures of the recorder by kind of exception; what happened then is missing."""
    spans: list[Span]


def collect(folder: Path, head: str) -> Trace:
    """Make a trace from the files of processes.

    Args:
        folder: Where the recorders wrote; a line that was cut off by a crash is passed over.
        head: Commit of the project.
    """
    runs: Counter[tuple[Any, ...]] = Counter()
    hooks: set[str] = set()
    errors: Counter[str] = Counter()
    files = sorted(folder.glob("*.jsonl"))
    for path in files:
        for line in _lines(path):
            if "process" in line:
                hooks.update(line["process"]["hooks"])
            elif "error" in line:
                errors[line["error"]] += 1
            else:
                steps = tuple((verb, table) for verb, table in line["steps"])
                runs[line["kind"], line["path"], line["line"], line["function"], steps] += line["runs"]
    spans = sorted(Span(kind, path, at, name, steps, n) for (kind, path, at, name, steps), n in runs.items())
    return Trace(head=head, processes=len(files), hooks=sorted(hooks), errors=dict(sorted(errors.items())), spans=spans)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def write_trace(path: Path, trace: Trace) -> None:
    """Keep a trace.

    Raises: ConfigError: it cannot be written; what was there is still there.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(msgspec.json.format(msgspec.json.encode(trace), indent=1) + b"\n")
        new.replace(path)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(path)) from error


def read_trace(path: Path) -> Trace:
    """Read what `write_trace` wrote.

    Raises: ConfigError: it cannot be read, or is something else.
    """
    again = "record it again with `calve audit trace -- pytest`"
    try:
        trace = msgspec.json.decode(path.read_bytes(), type=Trace)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path), fix=again) from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"is no trace: {error}", where=str(path), fix=again) from error
    if trace.schema_version != SCHEMA_VERSION:
        what = f"is a trace of version {trace.schema_version}, not {SCHEMA_VERSION}"
        raise ConfigError(what, where=str(path), fix=again)
    return trace
