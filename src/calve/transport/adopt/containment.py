"""Nothing that an adopted application runs ends the process, or goes on in a fork of it.

    raised inside                       what the rest of the process sees
      SystemExit, KeyboardInterrupt     AppExited, an ordinary exception
      anything else                     itself

asyncio lets those two out of the event loop, which would end the unit with every other service of it. They are caught
where the application's code is stepped: in its requests (`contained`), and in the tasks it begins (`ContainedTask`).

A process that an application forks from its loop, and that comes back to the loop instead of ending, would be a second
server on the same connections. Each step notices, and ends it (`forked` in core/forks.py).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

from ...core.errors import CalveError
from ...core.forks import leave_if_forked

T = TypeVar("T")

_EXITS = (SystemExit, KeyboardInterrupt)


class AppExited(CalveError):
    """An application asked the whole process to end, which is not its own."""


def app_exited(error: BaseException) -> AppExited:
    """What stands for an exit outside of the application."""
    if isinstance(error, SystemExit):
        return AppExited(f"it called sys.exit({'' if error.code is None else repr(error.code)})")
    return AppExited("it raised KeyboardInterrupt")


@coroutine
def contained(body: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """Await `body` within the current task.

    Raises: AppExited: for SystemExit and KeyboardInterrupt; otherwise what the body raises.
    """
    step: Callable[[Any], Any] = body.send
    sent: Any = None
    while True:
        try:
            waiting = step(sent)
        except StopIteration as stop:
            leave_if_forked()
            return stop.value  # type: ignore[no-any-return]
        except _EXITS as error:
            leave_if_forked(error)
            raise app_exited(error) from error
        except BaseException:
            leave_if_forked()
            raise
        leave_if_forked()
        try:
            sent = yield waiting
            step = body.send
        except BaseException as thrown:  # noqa: BLE001  (a coroutine must see whatever is thrown into it)
            sent, step = thrown, body.throw


class ContainedTask(Coroutine[Any, Any, T]):
    """The same for a coroutine that becomes a task; to whoever looks at the task, it is the coroutine itself."""

    def __init__(self, body: Coroutine[Any, Any, T]) -> None:
        self._body = body

    def send(self, value: Any) -> Any:
        """See `Coroutine.send`."""
        return self._step(self._body.send, value)

    def throw(self, *raised: Any) -> Any:
        """See `Coroutine.throw`."""
        return self._step(self._body.throw, *raised)

    def close(self) -> None:
        """See `Coroutine.close`."""
        self._body.close()

    def __await__(self) -> Generator[Any, Any, T]:
        return self._body.__await__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)

    def __repr__(self) -> str:
        return repr(self._body)

    @staticmethod
    def _step(step: Callable[..., Any], *args: Any) -> Any:
        try:
            return step(*args)
        except _EXITS as error:
            leave_if_forked(error)
            raise app_exited(error) from error
        finally:
            leave_if_forked()
