"""The tasks that adopted applications begin: kept, named and, at the end, cancelled.

A task that a request leaves behind belongs to nobody. In a process of the application's own it dies with the process;
in a unit it would go on beside the other services, and after the application was stopped. So the unit's loop notes each
task that is begun in the surroundings of an application, and contains it (containment.py).
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any

from ...observe import Logger
from .containment import ContainedTask

SHOWN_MAX = 5
"""So many leaked tasks are named in the log line."""

owner: ContextVar[OwnedTasks | None] = ContextVar("calve_adopted", default=None)
"""The tasks of the application whose code runs here; inherited by the tasks and threads it begins."""


class OwnedTasks:
    """The tasks of one application."""

    def __init__(self) -> None:
        self._tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()

    def __len__(self) -> int:
        return sum(not task.done() for task in self._tasks)

    def add(self, task: asyncio.Task[Any]) -> None:
        """Note a task."""
        self._tasks.add(task)

    async def end(self, limit_seconds: float, log: Logger) -> None:
        """Cancel what is left, once nothing should be, and say what it was.

        Args: limit_seconds: How long the tasks may take to end; then they are abandoned.
        """
        left = [task for task in self._tasks if not task.done()]
        if not left:
            return
        shown = sorted(_describe(task) for task in left)[:SHOWN_MAX]
        log.warning(
            "tasks were still running when the application stopped, and are cancelled",
            count=len(left),
            tasks=", ".join(shown),
        )
        for task in left:
            task.cancel()
        _, stuck = await asyncio.wait(left, timeout=limit_seconds)
        if stuck:
            names = ", ".join(sorted(map(_describe, stuck))[:SHOWN_MAX])
            log.warning("tasks abandoned: they do not react to cancellation", tasks=names)


def watch_tasks(loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    """Begin to note the tasks of adopted applications on this loop. Returns: a function that ends it."""
    before: Callable[..., Any] | None = loop.get_task_factory()

    def make(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Future[Any]:
        context = options.get("context")
        tasks = owner.get() if context is None else context.get(owner)
        if tasks is not None and isinstance(coro, Coroutine):
            coro = ContainedTask(coro)
        task = asyncio.Task(coro, loop=loop, **options) if before is None else before(loop, coro, **options)
        if tasks is not None:
            tasks.add(task)
        return task

    def undo() -> None:
        if loop.get_task_factory() is make:
            loop.set_task_factory(before)

    loop.set_task_factory(make)
    return undo


def _describe(task: asyncio.Task[Any]) -> str:
    """`poll (legacy/jobs.py:12)`."""
    code = getattr(task.get_coro(), "cr_code", None)
    if code is None:
        return task.get_name()
    return f"{code.co_qualname} ({code.co_filename}:{code.co_firstlineno})"
