"""What the supervisor does for somebody at the command line: one job at a time, watched by any number of people.

A job goes on when whoever asked for it goes away. What it said is kept, so that somebody who comes later, even after
its end, reads all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal

from ..core.errors import CalveError, ConfigError

Level = Literal["info", "warning"]
Work = Callable[["Job"], Awaitable[None]]


class JobFailed(CalveError):
    """It was tried and did not work out; the text says why, and what is so now."""


class Job:
    """One job.

    Args:
        what: Names it, such as `rollout of money`.
        log: Also told every line.
    """

    def __init__(self, what: str, log: Callable[[str, Level], None]) -> None:
        self.what = what
        self.lines: list[str] = []
        self.done = False
        self.error: CalveError | None = None
        """Why it failed; None while it runs and after it succeeded."""
        self._log, self._news = log, asyncio.Event()

    def say(self, text: str) -> None:
        """Tell everybody who watches."""
        self.lines.append(text)
        self._log(text, "info")
        self._tell()

    async def run(self, work: Work) -> None:
        """Do it; errors of ours end up in `error`."""
        try:
            await work(self)
        except CalveError as error:
            self.error = error
            self._log(f"{self.what}: {error}", "warning")
        except asyncio.CancelledError:
            self.error = JobFailed("the run is stopping")
            raise
        finally:
            self.done = True
            self._tell()

    async def follow(self) -> AsyncIterator[str]:
        """Every line from the first on, until it is done."""
        seen = 0
        while True:
            news = self._news
            while seen < len(self.lines):
                yield self.lines[seen]
                seen += 1
            if self.done:
                return
            await news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Jobs:
    """The job that runs, or the last one."""

    def __init__(self) -> None:
        self.last: Job | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self, job: Job, work: Work) -> None:
        """Start a job.

        Raises: ConfigError: another one runs.
        """
        if self.last is not None and not self.last.done:
            raise ConfigError(f"the {self.last.what} is under way", fix="wait for it: calve rollout --watch shows it")
        self.last = job
        self._task = asyncio.get_running_loop().create_task(job.run(work))

    async def cancel(self) -> None:
        """Give up what runs."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
