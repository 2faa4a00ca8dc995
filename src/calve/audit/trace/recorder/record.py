"""Transactions and requests of this process, and the file they are written to.

    {"process": {"python": "3.12.1", "hooks": ["django"]}}
    {"kind": "transaction", "path": "shop/orders/views.py", "line": 9, "function": "place",
     "steps": [["read", "stock_items"], ["write", "sales_order"]], "runs": 1}

A line is written when something is done for the first time, so that a process that is killed loses counts only; at its
end a process writes the lines of what was done more than once again, with what is to be added to `runs`.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from .sql import tables

STEPS_MAX = 200
VARIANTS_MAX = 50
"""Different courses kept of one place; more are left out."""
STATEMENTS_MAX = 5000
_OUTSIDE = ("site-packages", "dist-packages")
_TEST_FOLDERS = frozenset(("test", "tests", "testing"))

Where = tuple[str, int, str]
"""Path relative to the project, line, function."""
NOWHERE: Where = ("", 0, "")
"""Outside of the project, or in its tests."""


class Span:
    """One transaction or request while it lasts."""

    __slots__ = ("kind", "steps", "where")

    def __init__(self, kind: str, where: Where) -> None:
        self.kind = kind
        self.where = where
        """Of a transaction NOWHERE at first when a test began it: it is the project's from its first statement on."""
        self.steps: dict[tuple[str, str], None] = {}


class Recorder:
    """Writes down what spans touched.

    Args:
        folder: Where the file of this process goes.
        root: Of the project; places outside of it are not named.
    """

    def __init__(self, folder: str, root: str) -> None:
        self._folder, self._root = folder, os.path.join(os.path.realpath(root), "")
        self.known: set[str] = set()
        """Names of tables, in lower case: no other name is ever written."""
        self._parsed: dict[str, tuple[list[str], list[str]]] = {}
        self._paths: dict[str, str] = {}
        self.refresh: list[Callable[[], None]] = []
        """Called before a name is given up as no table: models may have been made since."""
        self._forget()
        atexit.register(self.close)
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._file: Any = None
        self._runs: dict[tuple[Any, ...], int] = {}
        self._variants: dict[tuple[Any, ...], int] = {}

    def statement(self, text: object, spans: list[Span | None]) -> None:
        """Note what a statement touches, in every span it belongs to."""
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        if not isinstance(text, str):
            text = str(text)
        found = self._parsed.get(text)
        if found is None:
            if len(self._parsed) >= STATEMENTS_MAX:
                self._parsed.clear()
            found = self._parsed[text] = self._tables(text)
        for span in spans:
            if span is None or len(span.steps) >= STEPS_MAX:
                continue
            if span.kind == "transaction" and span.where == NOWHERE:
                span.where = self.here(sys._getframe(1))
            if span.kind == "request" or span.where != NOWHERE:
                for name in found[0]:
                    span.steps["read", name] = None
                for name in found[1]:
                    span.steps["write", name] = None

    def _tables(self, text: str) -> tuple[list[str], list[str]]:
        reads, writes = tables(text)
        if not self.known.issuperset((*reads, *writes)):
            for refresh in self.refresh:
                refresh()
        return [name for name in reads if name in self.known], [name for name in writes if name in self.known]

    def end(self, span: Span) -> None:
        """Note that a span is over; one that touched nothing is forgotten."""
        if not span.steps:
            return
        place = (span.kind, *span.where)
        key: tuple[Any, ...] = (*place, tuple(span.steps))
        with self._lock:
            if key in self._runs:
                self._runs[key] += 1
                return
            if self._variants.get(place, 0) >= VARIANTS_MAX:
                return
            self._variants[place] = self._variants.get(place, 0) + 1
            self._runs[key] = 0  # what is to be added to the line that is written now
            self._write(_line(key, 1))

    def hooked(self, name: str) -> None:
        """Note that something is listened to."""
        with self._lock:
            self._write({"process": {"python": "{}.{}.{}".format(*sys.version_info[:3]), "hooks": [name]}})

    def failed(self, error: BaseException) -> None:
        """Note that the recorder itself failed; its words may hold values, so only its kind."""
        with self._lock:
            self._write({"error": type(error).__name__})

    def close(self) -> None:
        """Write the counts."""
        with self._lock:
            for key, runs in self._runs.items():
                if runs:
                    self._write(_line(key, runs))
                    self._runs[key] = 0

    def _write(self, line: dict[str, Any]) -> None:
        if self._file is None:
            name = f"{os.getpid()}-{os.urandom(4).hex()}.jsonl"
            self._file = open(os.path.join(self._folder, name), "ab", buffering=0)  # noqa: SIM115
        self._file.write(json.dumps(line).encode() + b"\n")

    # Places ---------------------------------------------------------------------------------------------------------

    def here(self, frame: FrameType | None) -> Where:
        """The innermost place of the project in a stack, tests left out; for a decorated function that function."""
        greenlet = getattr(sys.modules.get("greenlet"), "getcurrent", lambda: None)()
        while frame is not None:
            code = frame.f_code
            if code.co_name == "inner" and code.co_filename.endswith("contextlib.py"):
                found = self.of(frame.f_locals.get("func"))
                if found != NOWHERE:
                    return found
            path = self._path(code.co_filename)
            if path:
                return path, frame.f_lineno, _name(code)
            frame = frame.f_back
            if frame is None and greenlet is not None:  # SQLAlchemy's asyncio support runs in one
                greenlet = greenlet.parent
                frame = getattr(greenlet, "gr_frame", None)
        return NOWHERE

    def of(self, function: Any) -> Where:
        """The place of a function, or of the class a view was made from."""
        for name in ("view_class", "cls"):
            if isinstance(getattr(function, name, None), type):
                function = getattr(function, name)
        while hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        function = getattr(function, "func", function)  # functools.partial
        name = getattr(function, "__qualname__", "").replace("<locals>.", "")
        code = getattr(function, "__code__", None)
        if code is not None:
            path = self._path(code.co_filename)
            return (path, code.co_firstlineno, name) if path else NOWHERE
        module = sys.modules.get(getattr(function, "__module__", "") or "")
        path = self._path(getattr(module, "__file__", "") or "")
        return (path, 0, name) if path else NOWHERE

    def _path(self, file: str) -> str:
        """Relative to the project; `` for what is outside of it, was installed into it, or is a test."""
        path = self._paths.get(file)
        if path is None:
            full = os.path.realpath(file)
            made = not file or file.startswith("<")  # frozen, or from a string
            inside = full.startswith(self._root) and not made and not any(part in full for part in _OUTSIDE)
            path = full[len(self._root) :].replace(os.sep, "/") if inside else ""
            path = self._paths[file] = "" if _is_test(path) else path
        return path


def _name(code: CodeType) -> str:
    return str(getattr(code, "co_qualname", code.co_name)).replace("<locals>.", "")


def _line(key: tuple[Any, ...], runs: int) -> dict[str, Any]:
    kind, path, line, function, steps = key
    return {"kind": kind, "path": path, "line": line, "function": function, "steps": list(steps), "runs": runs}


def _is_test(path: str) -> bool:
    *folders, name = path.split("/")
    return not _TEST_FOLDERS.isdisjoint(folders) or name.startswith("test_") or name in ("conftest.py", "tests.py")
