"""Threads for code that blocks, as many as allowed, and none that keeps the process from ending.

`concurrent.futures.ThreadPoolExecutor` joins its threads when the interpreter ends, so one request that hangs would
hold a stopped unit until somebody kills it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

from ...core.forks import leave_if_forked

P = ParamSpec("P")
T = TypeVar("T")

_Work = tuple["Future[Any]", Callable[[], Any]]


class DaemonPool(Executor):
    """At most so many daemon threads; what comes beyond them waits in order.

    Args:
        threads: Most of them.
        name: Their names begin with it.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._max, self._name = threads, name
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = self._idle = self._backlog = 0
        self._closed = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See `Executor.submit`."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._work.put((future, lambda: fn(*args, **kwargs)))
            if self._idle:
                self._idle -= 1
            elif self._threads < self._max:
                self._threads += 1
                name = f"calve-{self._name}-{self._threads}"
                threading.Thread(target=self._run, name=name, daemon=True).start()
            else:
                self._backlog += 1
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See `Executor.shutdown`; never waits."""
        with self._lock:
            self._closed = True
            for _ in range(self._threads):
                self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            future, call = work
            if future.set_running_or_notify_cancel():
                try:
                    answer = call()
                except BaseException as error:  # noqa: BLE001  (of the application; whoever waits gets it)
                    leave_if_forked(error)
                    future.set_exception(error)
                else:
                    leave_if_forked()
                    future.set_result(answer)
            del work, future, call  # nothing of a request stays while the thread is idle
            with self._lock:
                if self._backlog:
                    self._backlog -= 1
                else:
                    self._idle += 1
