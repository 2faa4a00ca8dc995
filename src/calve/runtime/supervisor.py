"""The supervisor: keeps the processes of a plan up, and takes them down in order.

Each process has one task, which is its whole story:

    wait for what it needs ─> spawn ─> ready ─> … died ─> pause ─> spawn …
                                         └── stopping: wait until what needs it is gone ─> SIGTERM ─> (grace) ─> SIGKILL

The pause doubles with each death in a row, with jitter so that units that died together do not come back together. A
process that says at its first start that it is configured wrong ends the run: no restart can help.

This module runs for as long as the application does and must stay small: it imports no service and no server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ..core.errors import ConfigError
from ..core.settings import env_name
from .child import Child, calve_command, describe_exit
from .config import AppConfig
from .endpoints import private_folder, published, socket_path, write_plan
from .notify import Notice
from .output import Output, OutputOptions
from .plan import Plan, Process
from .unit import KILLED, stop_seconds_max

Command = Callable[[Process], list[str]]

KILL_MARGIN_SECONDS = 1.0
"""A unit ends itself in time; only one that hangs meets SIGKILL."""


def supervise(config: AppConfig, plan: Plan, command: Command | None = None) -> int:
    """Run a plan until SIGTERM, SIGHUP or Ctrl-C.

    Args:
        command: Command line of a process; None is `calve run --unit` with the same interpreter and file.
    Returns: the exit code: 0 after a clean stop, 1 when a unit did not stop in time, 130 after a second Ctrl-C.
    Raises: ConfigError: a unit cannot start before somebody changes something.
    """
    names = [process.name for process in plan.processes]
    options = OutputOptions.choose(config.log.format, sys.stderr)  # where units log
    output = Output(names, sys.stdout.buffer, sys.stderr.buffer, options)
    overrides = {env_name("log", "format"): "json" if options.json else "console"}
    if options.colour:
        overrides["FORCE_COLOR"] = "1"  # a unit writes to a pipe, and would see no terminal
    try:
        supervisor = Supervisor(config, plan, output, command or default_command(config, plan), overrides)
        return asyncio.run(supervisor.run())
    finally:
        output.close()


def default_command(config: AppConfig, plan: Plan) -> Command:
    """`python -m calve run --config … --topology … --unit …`."""
    return lambda process: calve_command(str(config.file.path), plan.topology.name, process.unit.name)


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


class Supervisor:
    """State of one run. `run` may be called once.

    Args:
        overrides: Environment variables of all units, over those of this process.
    """

    def __init__(
        self, config: AppConfig, plan: Plan, output: Output, command: Command, overrides: Mapping[str, str]
    ) -> None:
        self._config, self._plan, self._output, self._command = config, plan, output, command
        self._common = overrides
        self._children: dict[str, Child] = {}
        self._stopping = asyncio.Event()
        self._ready = {p.name: asyncio.Event() for p in plan.processes}
        self._gone = {p.name: asyncio.Event() for p in plan.processes}
        self._failure: ConfigError | None = None
        self._killed = self._late = False
        self._folder = Path()

    async def run(self) -> int:
        """Start, watch, stop. Returns and raises as `supervise`."""
        loop = asyncio.get_running_loop()
        self._output.on_backlog = lambda full: self._on_backlog(loop, full)
        self._handle_signals(loop)
        started = time.monotonic()
        with private_folder() as self._folder:
            endpoints = write_plan(self._folder, self._plan)
            keepers = [asyncio.create_task(self._keep(process)) for process in self._plan.processes]
            announcer = asyncio.create_task(self._announce(started))
            try:
                with published(self._config.root, endpoints):
                    await asyncio.gather(*keepers)
            finally:
                announcer.cancel()
                for child in self._children.values():
                    child.kill()
        if self._failure is not None:
            raise self._failure
        self._output.say("killed" if self._killed else "stopped")
        return KILLED if self._killed else int(self._late)

    def _handle_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        loop.add_signal_handler(signal.SIGTERM, self._stop, "SIGTERM")
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # ignored under nohup
            loop.add_signal_handler(signal.SIGHUP, self._stop, "SIGHUP")

    async def _announce(self, started: float) -> None:
        units = self._plan.topology.units
        what = f"{len(units)} units of topology {self._plan.topology.name!r}" if len(units) > 1 else units[0].name
        self._output.say(f"starting {what}")
        for event in self._ready.values():
            await event.wait()
        url = self._children[self._plan.edge].http
        where = f" on {url}" if url else ""
        seconds = time.monotonic() - started
        self._output.say(f"{self._config.app.name} is ready{where} after {seconds:.1f} s; Ctrl-C stops it")

    async def _keep(self, process: Process) -> None:
        backoff = Backoff(self._config.run.restart_delay_seconds, self._config.run.restart_delay_seconds_max)
        try:
            for name in process.after:
                await self._unless_stopping(self._ready[name])
            while not self._stopping.is_set():
                ready_seconds, ending = await self._live(process)
                if self._stopping.is_set():
                    break
                if ready_seconds >= self._config.run.stable_seconds:
                    backoff.reset()
                pause = backoff.pause_seconds()
                self._output.say(f"{process.name} {ending}; restarting in {pause:.1f} s", "warning")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)
        finally:
            self._gone[process.name].set()

    async def _live(self, process: Process) -> tuple[float, str]:
        """One life of a process, from spawn to exit. Returns: how long it was ready, seconds, and how it ended."""
        spawned = time.monotonic()
        try:
            child = await self._spawn(process)
        except OSError as error:  # no memory or no process left: may be over at the next attempt
            return 0.0, f"cannot be started ({error})"
        ready_seconds = 0.0
        if await self._until_ready(child):
            since = time.monotonic()
            self._note_ready(process, child, since - spawned)
            await self._unless_stopping(child.exited)
            ready_seconds = time.monotonic() - since
        if self._stopping.is_set():
            await self._take_down(process, child)
        elif not child.exited.is_set():
            limit = self._config.run.ready_seconds
            self._output.say(f"{process.name} is not ready after {limit:g} s and is killed", "warning")
            child.kill()
        await child.exited.wait()
        await child.close()
        if child.exit_code == ConfigError.exit_code and not self._ready[process.name].is_set():
            self._fail(process, child)
        return ready_seconds, describe_exit(child.exit_code)

    def _note_ready(self, process: Process, child: Child, seconds: float) -> None:
        # The first start of the only process is what the announcement is about; one line is enough.
        if len(self._plan.processes) > 1 or self._ready[process.name].is_set():
            where = f" on {child.http}" if child.http else ""
            self._output.say(f"{process.name} is ready{where} after {seconds:.1f} s")
        self._ready[process.name].set()

    async def _spawn(self, process: Process) -> Child:
        child = await Child.spawn(
            process.name,
            self._command(process),
            {**os.environ, **self._overrides(process)},
            self._output,
            lambda notice: self._progress(process, notice),
        )
        self._children[process.name] = child
        child.pause(self._output.full)
        return child

    def _overrides(self, process: Process) -> dict[str, str]:
        """What a supervised unit does differently from the same unit alone, said in settings."""
        section = f"unit.{process.unit.name}"
        return {
            **self._common,
            env_name(section, "listen"): f"unix:{socket_path(self._folder, process.name)}",
            env_name(section, "http_port"): str(process.http_port),
            env_name("discovery", "file"): str(self._folder / "endpoints.json"),
            "PYTHONUNBUFFERED": "1",
        }

    def _progress(self, process: Process, notice: Notice) -> None:
        if notice.state == "starting" and notice.detail and not self._stopping.is_set():
            self._output.say(f"{process.name}: {notice.detail}")

    async def _until_ready(self, child: Child) -> bool:
        """Wait until it is ready, gone, late, or no longer wanted. Returns: whether it is ready."""
        ready = asyncio.create_task(child.ready.wait())
        others = [asyncio.create_task(event.wait()) for event in (child.exited, self._stopping)]
        try:
            limit = self._config.run.ready_seconds
            await asyncio.wait((ready, *others), timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            return child.ready.is_set() and not child.exited.is_set()
        finally:
            for task in (ready, *others):
                task.cancel()

    async def _unless_stopping(self, event: asyncio.Event) -> None:
        """Wait for an event, but no longer than until the run is to stop."""
        tasks = [asyncio.create_task(e.wait()) for e in (event, self._stopping)]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    async def _take_down(self, process: Process, child: Child) -> None:
        """Stop a process after everything that calls it; kill it if it does not stop in time."""
        for other in self._plan.processes:
            if process.name in other.after:
                await self._gone[other.name].wait()
        child.terminate()
        limit = stop_seconds_max(self._config) + KILL_MARGIN_SECONDS
        try:
            await asyncio.wait_for(child.exited.wait(), limit)
        except TimeoutError:
            self._output.say(f"{process.name} did not stop within {limit:g} s and is killed", "warning")
            self._late = True
            child.kill()

    def _fail(self, process: Process, child: Child) -> None:
        """The run cannot go on: keep the first reason and stop the rest."""
        if self._failure is None:
            what = child.failure or "it cannot start; the reason is above"
            self._failure = ConfigError(what, where=f"unit {process.unit.name}")
        self._stopping.set()

    def _stop(self, why: str) -> None:
        if not self._stopping.is_set():
            self._output.say(f"{why}: stopping; calls in flight may finish")
            self._stopping.set()

    def _interrupt(self) -> None:
        if self._stopping.is_set():
            self._killed = True
            for child in self._children.values():
                child.kill()
        else:
            self._stop("Ctrl-C")

    def _on_backlog(self, loop: asyncio.AbstractEventLoop, full: bool) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the last lines are being written
            loop.call_soon_threadsafe(self._pause_children, full)

    def _pause_children(self, pause: bool) -> None:
        for child in self._children.values():
            if not child.exited.is_set():
                child.pause(pause)
