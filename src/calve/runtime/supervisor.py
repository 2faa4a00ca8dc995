"""The supervisor: keeps the processes of a plan up, does what commands ask, and takes everything down in order.

    supervise ── Crew (crew.py)         the replicas, each with a life of its own (replica.py)
              ├─ ControlServer          `calve ps`, `rollout`, `scale` (control.py), done by jobs (jobs.py)
              └─ signals                SIGTERM, SIGHUP and Ctrl-C stop, a second Ctrl-C kills

A process that says at its first start that it is configured wrong ends the run: no restart can help.

This module runs for as long as the application does and must stay small: it imports no service and no server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping

from ..core.settings import env_name
from .child import calve_command
from .config import AppConfig
from .control import Answer, ControlServer, ReplicaStatus, Request, Status
from .crew import Crew
from .endpoints import Published, SupervisorFile, private_folder
from .jobs import Job, Jobs
from .output import Output, OutputOptions
from .plan import Plan
from .replica import Replica
from .run import Command, Run
from .unit import KILLED


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


class Supervisor:
    """State of one run. `run` may be called once.

    Args:
        overrides: Environment variables of all units, over those of this process.
    """

    def __init__(
        self, config: AppConfig, plan: Plan, output: Output, command: Command, overrides: Mapping[str, str]
    ) -> None:
        self._config, self._plan, self._output, self._command = config, plan, output, command
        self._overrides = overrides
        self._stopping = asyncio.Event()
        self._jobs = Jobs()
        self._killed = self._late = False
        self._crew: Crew

    async def run(self) -> int:
        """Start, watch, stop. Returns and raises as `supervise`."""
        loop = asyncio.get_running_loop()
        started = time.monotonic()
        with private_folder() as folder:
            published = Published(folder, self._config.root)
            single = len(self._plan.processes) == 1
            run = Run(self._config, self._output, self._command, self._overrides, folder, self._stopping, single)
            crew = self._crew = Crew(run, self._plan, published)
            control = ControlServer(folder / "control", self._handle)
            self._output.on_backlog = lambda full: self._on_backlog(loop, full)
            self._handle_signals(loop)
            try:
                await control.start()
                published.announce(SupervisorFile(os.getpid(), self._plan.topology.name, str(folder / "control")))
                announcer = asyncio.create_task(self._announce(list(crew.replicas.values()), started))
                crew.start()
                await self._stopping.wait()
                announcer.cancel()
                await self._end(crew, control)
            finally:
                crew.close()
                published.close()
        if crew.failure is not None:
            raise crew.failure
        self._output.say("killed" if self._killed else "stopped")
        return KILLED if self._killed else int(self._late)

    async def _end(self, crew: Crew, control: ControlServer) -> None:
        for replica in crew.replicas.values():
            replica.ending.set()
        await self._jobs.cancel()
        await crew.end()
        await control.close()
        self._late = any(replica.late for replica in crew.replicas.values())

    def _handle_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        loop.add_signal_handler(signal.SIGTERM, self._stop, "SIGTERM")
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # ignored under nohup
            loop.add_signal_handler(signal.SIGHUP, self._stop, "SIGHUP")

    async def _announce(self, replicas: list[Replica], started: float) -> None:
        units = self._plan.topology.units
        what = f"{len(units)} units of topology {self._plan.topology.name!r}" if len(units) > 1 else units[0].name
        self._output.say(f"starting {what}")
        for replica in replicas:
            await replica.ready.wait()
        url = next(replica.url for replica in replicas if replica.name == self._plan.edge)
        where = f" on {url}" if url else ""
        seconds = time.monotonic() - started
        self._output.say(f"{self._config.app.name} is ready{where} after {seconds:.1f} s; Ctrl-C stops it")

    # Commands --------------------------------------------------------------------------------------------------------

    async def _handle(self, request: Request) -> AsyncIterator[Answer]:
        if request.do == "status":
            yield Answer(status=self._status())
            return
        if request.do == "rollout":
            self._begin_rollout(request)
        elif request.do == "scale":
            self._begin_scale(request)
        job = self._jobs.last
        if job is None:
            yield Answer(say="nothing was rolled out or scaled in this run", done=True)
            return
        async for line in job.follow():
            yield Answer(say=line)
        if job.error is not None:
            raise job.error
        yield Answer(done=True)

    def _begin_rollout(self, request: Request) -> None:
        config, units = self._crew.check_rollout(request.units)
        job = Job(f"rollout of {', '.join(unit.name for unit in units)}", self._output.say)
        self._jobs.begin(job, lambda job: self._crew.roll_out(job, config, units, request.environ))

    def _begin_scale(self, request: Request) -> None:
        unit = self._crew.check_scale("".join(request.units[:1]), request.replicas)
        job = Job(f"scaling of {unit.name}", self._output.say)
        self._jobs.begin(job, lambda job: self._crew.scale(job, unit, request.replicas))

    def _status(self) -> Status:
        job = self._jobs.last
        now = time.monotonic()
        replicas = []
        for replica in self._crew.replicas.values():
            child = replica.child
            pid = child.pid if child is not None and not child.exited.is_set() else None
            seconds = round(now - replica.since, 1)
            http = replica.url if pid is not None else None
            unit = replica.unit
            replicas.append(
                ReplicaStatus(
                    replica.name, unit.name, pid, replica.state, seconds, replica.restarts, http, unit.services
                )
            )
        busy = job.what if job is not None and not job.done else None
        return Status(self._config.app.name, self._plan.topology.name, os.getpid(), busy, tuple(replicas))

    # Signals ---------------------------------------------------------------------------------------------------------

    def _stop(self, why: str) -> None:
        if not self._stopping.is_set():
            self._output.say(f"{why}: stopping; calls in flight may finish")
            self._stopping.set()

    def _interrupt(self) -> None:
        if self._stopping.is_set():
            self._killed = True
            for replica in self._crew.replicas.values():
                replica.kill()
        else:
            self._stop("Ctrl-C")

    def _on_backlog(self, loop: asyncio.AbstractEventLoop, full: bool) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the last lines are being written
            loop.call_soon_threadsafe(self._pause_children, full)

    def _pause_children(self, pause: bool) -> None:
        for replica in self._crew.replicas.values():
            replica.pause(pause)
