"""One unit process, from the first import to the exit code.

    build ──> prepare ──> [standby] ──open──> start ──> ready ──signal, stop──> drain ──> stop ──> exit 0
                 │                     ^        │         │
                 └────────┬────────────┼────────┘         └──release──> drain ──> release ──> [released]
                          │            └───────────────────────────────────────open───────────────┘
                          └─ ConfigError: exit 2

Whoever starts the unit alone has it opened at once. A supervisor says when: so a process can stand by, checked, until
its predecessor has closed the files that only one of them may have open, and take them back if that fails.

SIGTERM and SIGINT ask for a clean stop; a second SIGINT ends the process at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, Protocol

from ..core.errors import ConfigError
from .config import AppConfig, prefer_root
from .health import Health, State
from .notify import Notice, Notifier, Order
from .sockets import Sockets
from .topology import Topology

STOP_SECONDS = 5.0
"""How long closing stores may take once everything is drained."""

GRACE_MARGIN_SECONDS = 1.0
"""The app keeps to the grace itself; this is for one that does not."""

KILLED = 130
"""Exit code after a second Ctrl-C: 128 + SIGINT, as shells count."""


class Tally(NamedTuple):
    """What a unit counted since it started."""

    calls: int = 0
    """Ended."""
    errors: int = 0
    """Of them, those that ended in a fault of this unit, not of its caller."""


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

    @property
    def files(self) -> tuple[str, ...]:
        """Services whose store is a file that only one process may have open; known once prepared."""
        ...

    @property
    def tally(self) -> Tally:
        """What it counted."""
        ...

    def survives(self, error: SystemExit) -> bool:
        """Whether to go on after an exit that reached the loop; logs it then."""
        ...

    async def prepare(self) -> None:
        """Import and check what can be checked without touching what only one process may have.

        Raises: ConfigError: it cannot start before somebody changes something.
        """
        ...

    async def start(self) -> None:
        """Open stores, start services, listen. Returns when calls can be served. May be called again after `release`.

        Raises: ConfigError: it cannot start before somebody changes something. After any error `stop` is called.
        """
        ...

    async def drain(self, delay_seconds: float, grace_seconds: float) -> None:
        """Stop accepting; return when no call is in flight.

        Args:
            delay_seconds: How long calls are still accepted, while clients are asked to go elsewhere.
            grace_seconds: Latest return after that.
        """
        ...

    async def release(self) -> None:
        """Undo `start`; safe when it was never called or failed half-way."""
        ...

    async def stop(self) -> None:
        """Release everything. Called once, also after a `start` that failed or was cancelled half-way."""
        ...


UnitBuilder = Callable[[AppConfig, Topology, str, Sockets], UnitApp]


def stop_seconds_max(config: AppConfig, delay_seconds: float | None = None) -> float:
    """How long a clean stop may take in all, seconds; after that it is not one."""
    delay = config.run.drain_delay_seconds if delay_seconds is None else delay_seconds
    return delay + config.run.grace_seconds + GRACE_MARGIN_SECONDS + STOP_SECONDS


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
    notifier, sockets = Notifier.take(os.environ), Sockets.take(os.environ)
    notifier.watch_supervisor(stop_seconds_max(config))
    try:
        notifier.send(Notice("starting", "importing services"))
        prefer_root(config)
        app = build(config, topology, name, sockets)
        return _run(_Life(config, app, notifier, sockets).live(), app.survives)
    except ConfigError as error:
        if not notifier.supervised:
            raise
        notifier.send(Notice("failed", str(error)))
        return error.exit_code


def _run(main: Coroutine[Any, Any, int], survives: Callable[[SystemExit], bool]) -> int:
    """`asyncio.run`, on uvloop where there is one; goes on after exits of adopted code in callbacks of the loop."""
    make_loop: Callable[[], asyncio.AbstractEventLoop]
    try:
        from uvloop import new_event_loop as make_loop
    except ImportError:
        make_loop = asyncio.new_event_loop
    with asyncio.Runner(loop_factory=make_loop) as runner:
        loop = runner.get_loop()
        life = loop.create_task(main)
        while True:
            try:
                return loop.run_until_complete(life)
            except SystemExit as error:  # what is in a task of theirs has become another exception already
                if life.done() or not survives(error):
                    raise


class _Life:
    """A unit from its first step on the event loop to its last."""

    def __init__(self, config: AppConfig, app: UnitApp, notifier: Notifier, sockets: Sockets) -> None:
        from ..observe import Logger  # not above: the supervisor reads this module's numbers and has to stay small

        self._config, self._app, self._notifier, self._sockets = config, app, notifier, sockets
        self._log = Logger("calve.unit")
        self._stopping, self._stop = asyncio.Event(), Order("stop")
        self._orders: asyncio.Queue[Order] = asyncio.Queue()
        self._reports: set[asyncio.Task[None]] = set()

    async def live(self) -> int:
        """Until told to stop. Returns: the exit code."""
        app = self._app
        _stop_on_signals(self._stopping)
        app.health.watch(self._tell)
        if self._notifier.supervised:
            self._notifier.listen(self._on_order)
        else:
            self._orders.put_nowait(Order("open"))
        try:
            await self._serve_as_ordered()
            return 0
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001  (logged, and the exit code says it)
            self._log.exception("the unit failed", error=error)  # before `stop`, which closes the log
            return 1
        finally:
            app.health.become("draining")
            await asyncio.wait_for(app.stop(), STOP_SECONDS)
            app.health.become("stopped")

    async def _serve_as_ordered(self) -> None:
        app = self._app
        if not await self._unless_stopping(app.prepare()):
            return
        self._notifier.send(Notice("standby", files=app.files))
        while (order := await self._next_order()) is not None and order.do == "open":
            app.health.become("starting")
            if not await self._start():
                return
            app.health.become("ready")
            order = await self._next_order() or self._stop
            app.health.become("draining")
            if order.do == "stop":
                self._sockets.close()  # the app has its own of them, which it closes when it accepts no more
            await self._drain(order)
            if order.do == "stop":
                return
            await app.release()
            self._notifier.send(Notice("released"))

    async def _drain(self, order: Order) -> None:
        run = self._config.run
        delay = run.drain_delay_seconds if order.delay_seconds is None else order.delay_seconds
        grace = run.grace_seconds if order.grace_seconds is None else order.grace_seconds
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._app.drain(delay, grace), delay + grace + GRACE_MARGIN_SECONDS)

    def _tell(self, state: State, detail: str) -> None:
        ready = state == "ready"
        self._notifier.send(Notice(state, detail, self._app.url if ready else None, self._app.files if ready else ()))
        if not self._notifier.supervised and ready:
            self._log.info("ready", url=self._app.url)
        elif not self._notifier.supervised and state == "draining" and self._stopping.is_set():
            self._log.info("stopping; calls in flight may finish")

    def _on_order(self, order: Order) -> None:
        if order.do == "report":
            task = asyncio.ensure_future(self._report())
            self._reports.add(task)
            task.add_done_callback(self._reports.discard)
        elif order.do == "stop":
            self._stop = order
            self._stopping.set()
        else:
            self._orders.put_nowait(order)

    async def _report(self) -> None:
        checks, tally = await self._app.health.run_checks(), self._app.tally
        self._notifier.send(Notice("report", checks=checks, calls=tally.calls, errors=tally.errors))

    async def _next_order(self) -> Order | None:
        """What to do next; None when this process is to stop."""
        order, stop = asyncio.ensure_future(self._orders.get()), asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((order, stop), return_when=asyncio.FIRST_COMPLETED)
            return None if stop.done() else order.result()
        finally:
            order.cancel()
            stop.cancel()

    async def _start(self) -> bool:
        try:
            return await self._unless_stopping(self._app.start())
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES):
                raise ConfigError(f"cannot listen: {error}", fix="choose another port or address") from error
            raise

    async def _unless_stopping(self, step: Coroutine[Any, Any, None]) -> bool:
        """Do something, unless told to stop meanwhile. Returns: whether it is done."""
        doing, stop = asyncio.ensure_future(step), asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((doing, stop), return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                doing.result()
                return True
            doing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await doing
            return False
        finally:
            stop.cancel()


def _stop_on_signals(stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def interrupt() -> None:
        if stopping.is_set():
            os._exit(KILLED)
        stopping.set()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
