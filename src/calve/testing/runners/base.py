"""What a test sees: a runner that starts an application, and the application once it is started."""

from __future__ import annotations

import abc
import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

from ..rest import RestClient
from .project import Project, prepared

T = TypeVar("T")

START_SECONDS = 60.0
"""How long an application may take to start before the test fails."""

STOP_SECONDS = 20.0
"""How long it may take to stop."""


class App:
    """A running application.

    Attributes:
        rest: Makes HTTP requests to the REST edge.
    """

    def __init__(
        self,
        get: Callable[[Any], Any],
        rest: RestClient,
        log: Callable[[], str] = str,
        *,
        http: Callable[[str], RestClient] | None = None,
    ) -> None:
        self._get, self.rest, self._log = get, rest, log
        self._http = http

    def get(self, contract: Callable[..., T]) -> T:
        """The stub of a contract, as another service would get it: `app.get(Wallet)`.

        Raises: ConfigError: no service of this application implements it.
        """
        # A callable to type checkers, because they refuse a protocol class, which has no instances, for `type[T]`.
        return cast(T, self._get(contract))

    def http(self, service: str) -> RestClient:
        """Makes HTTP requests to the unit that hosts a service, such as an adopted application."""
        return self.rest if self._http is None else self._http(service)

    def log(self) -> str:
        """What the application's processes wrote so far; '' when it runs in this one, where pytest has it."""
        return self._log()


class Runner(abc.ABC):
    """One way to run an application."""

    name: ClassVar[str]
    """As in `--calve-runner`."""

    @asynccontextmanager
    async def start(
        self,
        project: Path | str,
        *,
        services: Sequence[str] = (),
        settings: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[App]:
        """Start an application with empty stores, and stop it at the end of the block.

        Args:
            project: Its calve.toml or the folder that has one; or any folder of modules, together with `services`.
            services: Dotted names of the services to run instead of those in calve.toml.
            settings: Overrides by section and key, such as `{"service.wallet.overdraft_cents": 500}`; they win over
                calve.toml and the environment.
        Yields: the running application.
        Raises:
            ConfigError: it cannot start; the same on every runner.
            TimeoutError: starting or stopping took too long.
            AssertionError: a process of it ended by itself, or did not stop; with its log.
        """
        with prepared(Path(project), services, settings or {}) as ready:
            async with self._run(ready) as app:
                yield app

    @abc.abstractmethod
    def _run(self, project: Project) -> AbstractAsyncContextManager[App]:
        """Run a prepared project."""


@asynccontextmanager
async def bounded(start: Callable[[], Any], stop: Callable[[], Any]) -> AsyncIterator[None]:
    """Start something for the time of the block, neither start nor stop taking too long."""
    async with asyncio.timeout(START_SECONDS):
        await start()
    try:
        yield
    finally:
        async with asyncio.timeout(STOP_SECONDS):
            await stop()
