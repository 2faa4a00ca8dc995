"""Waits for the libraries that are listened to, without importing any of them.

A finder in front of `sys.meta_path` finds their modules as the others would, and has them prepared right after they are
executed. Whatever goes wrong in here is noted in the trace and never reaches the project.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from .record import Recorder

MODULES = {
    "django.db.transaction": "django",
    "django.db.backends.signals": "django",
    "django.core.handlers.base": "django",
    "sqlalchemy": "sqlalchemy",
    "sqlalchemy.orm": "sqlalchemy",
    "starlette.routing": "starlette",
}
"""Module to wait for -> the one of ours that prepares it."""


def install(environ: Mapping[str, str]) -> None:
    """Start to wait.

    Args: environ: `CALVE_TRACE_FOLDER`: where to write; `CALVE_TRACE_ROOT`: the project.
    """
    folder, root = environ["CALVE_TRACE_FOLDER"], environ.get("CALVE_TRACE_ROOT", "")
    if os.path.isdir(folder):  # else the command has ended, and left this process behind
        sys.meta_path.insert(0, Finder(Recorder(folder, root)))


class Finder:
    """Prepares modules once they are loaded."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        """As a finder of `sys.meta_path`: what the others find, to be prepared; None for all other modules."""
        if name not in MODULES:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None and finder is not self else None
            if spec is not None:
                if getattr(spec.loader, "exec_module", None) is not None:
                    self._prepare_after(spec.loader)
                return spec
        return None

    def _prepare_after(self, loader: Any) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            with_care(self._recorder, self._prepare, module)

        loader.exec_module = exec_module

    def _prepare(self, module: ModuleType) -> None:
        name = module.__name__
        ours = importlib.import_module("." + MODULES[name], __package__)
        prepare: Callable[[ModuleType, Recorder], None] = getattr(ours, "prepare_" + name.replace(".", "_"))
        prepare(module, self._recorder)
        self._recorder.hooked(name)


def with_care(recorder: Recorder, function: Callable[..., Any], *args: Any) -> Any:
    """Call something of ours; a failure is noted, and None returned."""
    try:
        return function(*args)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not the project's
        with contextlib.suppress(OSError):
            recorder.failed(error)
        return None


def careful(recorder: Recorder) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator: the function never raises."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def call(*args: Any) -> None:
            with_care(recorder, function, *args)

        return call

    return decorate
