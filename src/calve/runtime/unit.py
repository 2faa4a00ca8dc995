"""One unit process, from the first import to the exit code.

    build ──> start ──> ready ──signal──> unready ──> drain ──> stop ──> exit 0
                │                            │
                └─ ConfigError: exit 2       └─ the delay lets load balancers notice before calls are refused

SIGTERM and SIGINT ask for a clean stop; a second SIGINT ends the process at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ..core.errors import ConfigError
from .config import AppConfig, prefer_root
from .health import Health, State
from .notify import Notice, Notifier
from .topology import Topology

STOP_SECONDS = 5.0
"""How long closing stores may take once everything is drained."""

GRACE_MARGIN_SECONDS = 1.0
"""The app keeps to the grace itself; this is for one that does not."""

KILLED = 130
"""Exit code after a second Ctrl-C: 128 + SIGINT, as shells count."""


class UnitApp(Protocol):
    """The services of one unit with everything around them."""

    @property
    def health(self) -> Health:
        """State of this unit; the runtime moves it on, the app serves it and adds checks and progress."""
        ...

    @property
    def url(self) -> str | None:
        """Where the unit serves HTTP, once started."""
        ...

    async def start(self) -> None:
        """Open stores, start services, listen. Returns when calls can be served.

        Raises: ConfigError: it cannot start before somebody changes something. After any error `stop` is called.
        """
        ...

    async def drain(self) -> None:
        """Stop accepting; return when no call is in flight, at the latest after `[run] grace_seconds`."""
        ...

    async def stop(self) -> None:
        """Release everything. Called once, also after a `start` that failed or was cancelled half-way."""
        ...


UnitBuilder = Callable[[AppConfig, Topology, str], UnitApp]


def stop_seconds_max(config: AppConfig) -> float:
    """How long a clean stop may take in all, seconds; after that it is not one."""
    return config.run.drain_delay_seconds + config.run.grace_seconds + GRACE_MARGIN_SECONDS + STOP_SECONDS


def run_unit(config: AppConfig, topology: Topology, name: str, build: UnitBuilder) -> int:
    """Run a unit in this process until it is told to stop.

    Args:
        name: A unit of the topology.
        build: Composes the unit; called once, with `sys.path` set up.
    Returns: the exit code: 0 after a clean stop; 1 after an error that the log has; 2 when it cannot start and the
        supervisor was told why.
    Raises:
        ConfigError: it cannot start, and there is no supervisor to tell.
    """
    notifier = Notifier.take(os.environ)
    notifier.watch_supervisor(stop_seconds_max(config))
    try:
        notifier.send(Notice("starting", "importing services"))
        prefer_root(config)
        app = build(config, topology, name)
        return _run(_live(config, app, notifier))
    except ConfigError as error:
        if not notifier.supervised:
            raise
        notifier.send(Notice("failed", str(error)))
        return error.exit_code


def _run(main: Coroutine[Any, Any, int]) -> int:
    """`asyncio.run` on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


async def _live(config: AppConfig, app: UnitApp, notifier: Notifier) -> int:
    from ..observe import Logger  # not above: the supervisor reads this module's numbers and has to stay small

    stopping, log = _stop_on_signals(), Logger("calve.unit")

    def tell(state: State, detail: str) -> None:
        notifier.send(Notice(state, detail, app.url if state == "ready" else None))
        if not notifier.supervised and state == "ready":
            log.info("ready", url=app.url)
        elif not notifier.supervised and state == "draining" and stopping.is_set():
            log.info("stopping; calls in flight may finish")

    app.health.watch(tell)
    try:
        if await _start(app, stopping):
            app.health.become("ready")
            await stopping.wait()
            app.health.become("draining")
            await asyncio.sleep(config.run.drain_delay_seconds)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(app.drain(), config.run.grace_seconds + GRACE_MARGIN_SECONDS)
        return 0
    except ConfigError:
        raise
    except Exception as error:
        log.exception("the unit failed", error=error)  # before `stop`, which closes the log
        return 1
    finally:
        app.health.become("draining")
        await asyncio.wait_for(app.stop(), STOP_SECONDS)
        app.health.become("stopped")


def _stop_on_signals() -> asyncio.Event:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()

    def interrupt() -> None:
        if stopping.is_set():
            os._exit(KILLED)
        stopping.set()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    return stopping


async def _start(app: UnitApp, stopping: asyncio.Event) -> bool:
    """Start, unless told to stop meanwhile. Returns: whether it is started."""
    starting, stop = asyncio.ensure_future(app.start()), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait((starting, stop), return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            return True
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        return False
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
            raise ConfigError(f"cannot listen: {error}", fix="choose another port or address") from error
        raise
    finally:
        stop.cancel()
