"""Forks of a unit: a child process of it must not act as if it were the unit.

`os.fork` copies everything: the listening sockets, the connections, the locks on databases, the event loop in the
middle of its work. What is close-on-exec stays open in a child that does not execute another program. So a unit
registers what is its own (`watch_forks`), and each child lets go of it before any other code runs in it:

    fork on any thread     the child's copies of sockets and locks are released; those of the parent are not touched
                           signals get their default meaning, as the event loop of the parent hears of them otherwise
    … on the loop's        the child may do its work and end (`os._exit`, `multiprocessing`), but not go back to serve:
                           the first step that comes back to the unit ends it (`leave_if_forked`)
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import weakref
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any, ClassVar, Protocol

_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})

EXIT_CODE = 70
"""Exit code of a fork that came back to serve: `EX_SOFTWARE` of sysexits.h."""


class Forkable(Protocol):
    """Something that must not be shared with a fork."""

    def forked(self) -> None:
        """In the child, at once: let go of it without touching what the parent has. One thread; must not block."""
        ...

    def fork_seen(self) -> None:
        """In the parent, after each fork, on the thread that forked."""
        ...


class _Forks:
    """What this process knows about forks. `is_child` is set in every process that was forked from a unit's."""

    is_child = False
    hooked = False
    guarded: ClassVar[weakref.WeakSet[Forkable]] = weakref.WeakSet()


class _Mask(threading.local):
    before: AbstractSet[Any] = _SIGNALS
    """Signals that were blocked before the fork that this thread is at."""


_mask = _Mask()


def watch_forks(thing: Forkable) -> None:
    """Have the methods of `thing` called around every fork from now on, as long as the thing lives."""
    _Forks.guarded.add(thing)
    if not _Forks.hooked:
        _Forks.hooked = True
        os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)


def _before() -> None:
    # A signal for the child that comes before the child has let go of the parent's handlers would reach the parent.
    _mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS) if _Forks.guarded else _SIGNALS


def _in_parent() -> None:
    _unmask()
    for thing in list(_Forks.guarded):
        with contextlib.suppress(Exception):
            thing.fork_seen()


def _in_child() -> None:
    things = list(_Forks.guarded)
    _Forks.guarded.clear()  # a fork of this fork has nothing left to let go of
    for thing in things:
        with contextlib.suppress(Exception):
            thing.forked()
    _unmask()


def become_child() -> None:
    """In the child of a process that runs a unit: it is no unit any more, and has no handlers of signals."""
    _Forks.is_child = True
    signal.set_wakeup_fd(-1)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def _unmask() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS - _mask.before)


def leave_if_forked(error: BaseException | None = None) -> None:
    """End this process if it is a fork that went back to the unit's code; otherwise do nothing.

    Args:
        error: A SystemExit that came along; its code becomes the process's.
    """
    if not _Forks.is_child:
        return
    code = EXIT_CODE
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    else:
        what = "calve: a process forked from this unit came back to serve requests, and is ended; let it end by itself"
        with contextlib.suppress(OSError):
            os.write(2, f"{what} (os._exit)\n".encode())
    os._exit(code)


def release(descriptors: Iterable[int]) -> None:
    """In a forked child: let go of open files, but keep their numbers taken.

    Objects in the copied memory still refer to the numbers and may close them later; by then a number that was given
    back could belong to a file that the child opened itself.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.dup2(null, descriptor, inheritable=False)
    os.close(null)
