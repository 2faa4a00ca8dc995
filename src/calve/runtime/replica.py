"""One replica of a unit: a name, sockets that stay, and the process that accepts from them now.

    spawn ─> ready ─> … died ─> pause ─> spawn …
               ├── silent for too long: killed, which is a death like any other
               ├── replaced (replacement.py): another process takes its place and this goes on
               └── ending: wait until what needs it is gone ─> stop ─> (grace) ─> SIGKILL

The pause doubles with each death in a row, with jitter so that units that died together do not come back together.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable
from typing import Literal

from ..core.errors import ConfigError
from ..core.settings import env_name
from .child import Child, describe_exit
from .endpoints import socket_path
from .notify import Notice, Order
from .plan import Process
from .run import Run, first_of
from .sockets import Sockets
from .unit import stop_seconds_max

KILL_MARGIN_SECONDS = 1.0
"""A unit ends itself in time; only one that hangs meets SIGKILL."""

State = Literal["starting", "ready", "replacing", "restarting", "stopping", "stopped"]


class Backoff:
    """Pauses between restarts: doubling from the shortest to the longest, each cut by up to half at random."""

    def __init__(self, shortest_seconds: float, longest_seconds: float) -> None:
        self._shortest, self._longest = shortest_seconds, longest_seconds
        self._next = shortest_seconds

    def reset(self) -> None:
        """Start again with the shortest."""
        self._next = self._shortest

    def pause_seconds(self) -> float:
        """The pause before the next restart."""
        pause = min(self._next, self._longest)
        self._next = min(self._next * 2, self._longest)
        return pause * random.uniform(0.5, 1.0)


class Replica:
    """One replica. `keep` is its whole life.

    Args:
        run: What it belongs to.
        process: What it runs.
        sockets: What its processes accept from; they belong to this replica.
        environ: Its unit's variables, over those of the run; changed by rollouts.
        callers_gone: Waits until nothing calls it any more, before it stops with the run.
    """

    def __init__(
        self,
        run: Run,
        process: Process,
        sockets: Sockets,
        environ: dict[str, str],
        callers_gone: Callable[[], Awaitable[None]],
    ) -> None:
        self.process, self.name, self.unit = process, process.name, process.unit
        self.child: Child | None = None
        """The process that serves, is starting, or was the last."""
        self.state: State = "starting"
        self.since = time.monotonic()
        """When the state began."""
        self.restarts = 0
        self.ready, self.ending, self.gone = asyncio.Event(), asyncio.Event(), asyncio.Event()
        """Was ready once; is to end; has ended."""
        self.settled = asyncio.Event()
        """Not set while its process is being replaced."""
        self.settled.set()
        self.replaced = asyncio.Event()
        """Set when `child` has become another one."""
        self.failure: str | None = None
        """Why it could never start."""
        self.late = False
        """Whether a process of it had to be killed because it did not stop in time."""
        self.environ = environ
        self._run, self._sockets, self._callers_gone = run, sockets, callers_gone
        self._children: set[Child] = set()
        self._delay: float | None = None

    @property
    def url(self) -> str | None:
        """Where it serves HTTP."""
        return self.child.http if self.child is not None else None

    def become(self, state: State) -> None:
        """Go on to another state."""
        if state != self.state:
            self.state, self.since = state, time.monotonic()

    def say(self, text: str, level: Literal["info", "warning"] = "info") -> None:
        """Write a line about it."""
        self._run.output.say(f"{self.name} {text}", level)

    async def keep(self) -> None:
        """Keep it up until it is to end, or could not start for a reason that no restart mends: see `failure`."""
        settings = self._run.config.run
        backoff = Backoff(settings.restart_delay_seconds, settings.restart_delay_seconds_max)
        try:
            while not self.ending.is_set():
                ready_seconds, ending = await self._live()
                if self.ending.is_set() or self.failure is not None:
                    break
                if ready_seconds >= settings.stable_seconds:
                    backoff.reset()
                pause = backoff.pause_seconds()
                self.become("restarting")
                self.restarts += 1
                self.say(f"{ending}; restarting in {pause:.1f} s", "warning")
                await first_of(self.ending, timeout_seconds=pause)
        finally:
            self.close()
            self.become("stopped")
            self.gone.set()

    async def _live(self) -> tuple[float, str]:
        """One life, from spawn to exit. Returns: how long it was ready, seconds, and how it ended."""
        spawned = time.monotonic()
        try:
            child = self.child = await self.spawn()
        except OSError as error:  # no memory or no process left: may be over at the next attempt
            return 0.0, f"cannot be started ({error})"
        ready_seconds = 0.0
        if await self.until(child.ready, child, self._run.config.run.ready_seconds):
            since = time.monotonic()
            self._note_ready(child, since - spawned)
            child = await self._while_it_serves(child)
            ready_seconds = time.monotonic() - since
        if self.ending.is_set():
            await self._take_down(child)
        elif not child.exited.is_set():
            limit = self._run.config.run.ready_seconds
            self.say(f"is not ready after {limit:g} s and is killed", "warning")
            child.kill()
        await self.bury(child)
        if child.exit_code == ConfigError.exit_code and not self.ready.is_set():
            self.failure = child.failure or "it cannot start; the reason is above"
        return ready_seconds, describe_exit(child.exit_code)

    async def spawn(self, *, stand_by: bool = False, environ: dict[str, str] | None = None) -> Child:
        """Start a process. Raises OSError: there can be none."""
        child = await Child.spawn(
            self.name,
            self._run.command(self.process),
            {**os.environ, **self.environ, **(environ or {}), **self._overrides()},
            self._run.output,
            self._progress,
            self._sockets,
            stand_by=stand_by,
        )
        self._children.add(child)
        child.pause(self._run.output.full)
        return child

    async def bury(self, child: Child) -> None:
        """Wait until a process is gone, and release what it held."""
        await child.exited.wait()
        await child.close()
        self._children.discard(child)

    async def until(self, event: asyncio.Event, child: Child, limit_seconds: float) -> bool:
        """Wait for something of a process; until it is gone, late, or no longer wanted. Returns: whether it is so."""
        await first_of(event, child.exited, self.ending, timeout_seconds=limit_seconds)
        return event.is_set() and not child.exited.is_set()

    async def stop(self, child: Child, order: Order) -> None:
        """Let a process finish its calls and end; kill it if it does not end in time."""
        child.order(order)
        if not child.standby.is_set():  # it may be importing services, and would do so to the end
            child.terminate()
        limit = stop_seconds_max(self._run.config, order.delay_seconds) + KILL_MARGIN_SECONDS
        try:
            await asyncio.wait_for(child.exited.wait(), limit)
        except TimeoutError:
            self.say(f"did not stop within {limit:g} s and is killed", "warning")
            self.late = True
            child.kill()
        await self.bury(child)

    def retire(self, delay_seconds: float) -> None:
        """End it while the run goes on; it still serves for so long while its clients turn elsewhere."""
        self._delay = delay_seconds
        self.ending.set()

    def kill(self) -> None:
        """End all its processes at once."""
        for child in self._children:
            child.kill()

    def close(self) -> None:
        """Kill what is left of it, and listen no more."""
        self.kill()
        self._sockets.close()

    def pause(self, pause: bool) -> None:
        """Stop or go on reading what its processes write."""
        for child in self._children:
            if not child.exited.is_set():
                child.pause(pause)

    async def _while_it_serves(self, child: Child) -> Child:
        """Watch it. Returns: the process that served last, when it died or the replica is to end."""
        while True:
            self.replaced.clear()
            watching = asyncio.create_task(self._listen_to_heart(child))
            try:
                await first_of(child.exited, self.ending, self.replaced)
            finally:
                watching.cancel()
            # Whoever replaces it decides what becomes of both processes, and is told to give up when this is to end.
            await self.settled.wait()
            current = self.child
            assert current is not None, "it was spawned"
            if self.ending.is_set() or current.exited.is_set():
                return current
            child = current

    async def _listen_to_heart(self, child: Child) -> None:
        """Kill a process that owes too many signs of life. They are counted: no jump of a clock looks like silence."""
        settings, missed = self._run.config.run, 0
        while missed < settings.heartbeats_missed_max:
            answered = await child.report(settings.heartbeat_seconds)
            missed = 0 if answered is not None else missed + 1
            if answered is not None:
                await asyncio.sleep(settings.heartbeat_seconds)
        self.say(f"gave no sign of life for {missed * settings.heartbeat_seconds:g} s and is killed", "warning")
        child.kill()

    def _note_ready(self, child: Child, seconds: float) -> None:
        where = f" on {child.http}" if child.http else ""
        self.become("ready")
        # The first start of the only process is what the announcement is about; one line is enough.
        if not self._run.single or self.ready.is_set():
            self.say(f"is ready{where} after {seconds:.1f} s")
        self.ready.set()

    def _overrides(self) -> dict[str, str]:
        """What a supervised unit does differently from the same unit alone, said in settings."""
        section = f"unit.{self.unit.name}"
        return {
            **self._run.environ,
            env_name(section, "listen"): f"unix:{socket_path(self._run.folder, self.name)}",
            env_name(section, "http_port"): str(self.process.http_port),
            env_name("discovery", "file"): str(self._run.folder / "endpoints.json"),
            "PYTHONUNBUFFERED": "1",
        }

    def _progress(self, notice: Notice) -> None:
        if notice.state == "starting" and notice.detail and not self.ending.is_set():
            self._run.output.say(f"{self.name}: {notice.detail}")

    async def _take_down(self, child: Child) -> None:
        self.become("stopping")
        if self._run.stopping.is_set():
            await self._callers_gone()
        self._sockets.close()  # whoever connects from now on is refused and does not wait in vain
        # All of them: one that was to be replaced, or to replace it, may be left over.
        order = Order("stop", self._delay)
        await asyncio.gather(*(self.stop(each, order) for each in {child, *self._children}))
