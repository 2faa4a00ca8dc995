"""Named crash points: places between two durable steps where tests stop the process, to see what a restart makes of it.

    crash_point("command.before_answer")            nothing, at the price of calling a function
    CALVE_CRASH_AT=command.before_answer            kill this process (SIGKILL) when it first gets there
    CALVE_CRASH_AT=command.before_answer:3          … the third time
    with at_crash_points(seen.append): ...          call a function instead, in tests of one process

The variable is read once, when this module is imported.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .errors import ConfigError
from .suggest import did_you_mean

VARIABLE = "CALVE_CRASH_AT"

POINTS = {
    "command.before_mark": "a command with a key has begun its first transaction, and written nothing",
    "command.before_commit": "its first transaction has written everything, the mark included",
    "command.before_answer": "its transaction is committed, its answer is not written",
    "command.before_response": "its answer is written, and not given to the caller",
    "publish.before_append": "a transaction with events has written everything but the events",
    "publish.before_commit": "its events are in the log, and not committed",
    "event.before_mark": "the handlers of a batch have run, the mark is not written",
    "event.before_commit": "handlers and mark are written, and not committed",
    "event.committed": "they are committed, and the process knows nothing of it yet",
}
"""Every point: what has happened when it is reached."""

Hook = Callable[[str], None]


def crash_point(name: str) -> None:
    """Come to a point; `name` is one of POINTS."""
    if _hook is not None:
        _hook(name)


@contextmanager
def at_crash_points(hook: Hook) -> Iterator[None]:
    """Call `hook` with the name of each point that is reached inside the block, by whatever task."""
    global _hook
    before, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = before


def killing_hook(setting: str, kill: Callable[[], None]) -> Hook:
    """The hook for a value of the variable.

    Raises: ConfigError: it names no point, or no count above zero.
    """
    name, _, count = setting.partition(":")
    if name not in POINTS:
        raise ConfigError(f"no crash point {name!r}", where=VARIABLE, fix=did_you_mean(name, POINTS))
    if count and not (count.isdecimal() and int(count) > 0):
        raise ConfigError(f"count {count!r} is no number above 0", where=VARIABLE, fix=f"write {name}:1")
    left = int(count or 1)

    def hook(reached: str) -> None:
        nonlocal left
        if reached == name:
            left -= 1
            if left == 0:
                kill()

    return hook


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


_hook: Hook | None = killing_hook(os.environ[VARIABLE], _kill) if os.environ.get(VARIABLE) else None
