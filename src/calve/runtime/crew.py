"""All replicas of a run: started in order, published, replaced, added and taken away.

    Crew ── Replica "front"      unit front ── http socket
         ├─ Replica "money.1"    unit money ── http socket, shared by both
         └─ Replica "money.2"

What is asked of it while it runs (`roll_out`, `scale`) is done by jobs, one at a time.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection, Mapping

from ..core.errors import ConfigError
from .config import AppConfig, load_config
from .endpoints import Published, socket_path
from .jobs import Job, JobFailed
from .plan import Plan, Process, next_name, one_process
from .replacement import Replacement, Sick
from .replica import Replica
from .run import Run, first_of
from .sockets import Sockets, http_socket, wire_socket
from .topology import Unit

REPLICAS_MAX = 64


class Crew:
    """The replicas of a run.

    Args:
        run: What they share.
        plan: What there is at first.
        published: Told where services are.
    Raises: ConfigError: a port or a socket cannot be listened at.
    """

    def __init__(self, run: Run, plan: Plan, published: Published) -> None:
        self._run, self._plan, self._published = run, plan, published
        self.replicas: dict[str, Replica] = {}
        """By name."""
        self.failure: ConfigError | None = None
        """Why a replica of the plan could never start."""
        self._environ: dict[str, dict[str, str]] = {unit.name: {} for unit in plan.topology.units}
        self._needs = {p.unit.name: {name.partition(".")[0] for name in p.after} for p in plan.processes}
        self._keepers: list[asyncio.Task[None]] = []
        self._http: dict[str, socket.socket] = {}
        try:
            for process in plan.processes:
                self._add(process)
        except BaseException:
            self.close()
            raise
        self.publish()

    def start(self) -> None:
        """Start all of them, each after those it needs."""
        for replica in self.replicas.values():
            self._keep(replica)

    def of(self, unit: str) -> list[Replica]:
        """The replicas of a unit."""
        return [replica for replica in self.replicas.values() if replica.unit.name == unit]

    def publish(self) -> None:
        """Tell everybody where services are."""
        addresses: dict[str, list[str]] = {service: [] for u in self._plan.topology.units for service in u.services}
        for replica in self.replicas.values():
            for service in replica.unit.services:
                addresses[service].append(f"unix:{socket_path(self._run.folder, replica.name)}")
        self._published.update(addresses)

    async def end(self) -> None:
        """Stop all, each after those that need it. `Run.stopping` is set."""
        for sock in self._http.values():
            sock.close()  # replicas have their own of them
        for replica in self.replicas.values():
            replica.ending.set()
        await asyncio.gather(*self._keepers)

    def close(self) -> None:
        """Kill what is left, and stop listening."""
        for replica in self.replicas.values():
            replica.close()
        for sock in self._http.values():
            sock.close()

    # Jobs ------------------------------------------------------------------------------------------------------------

    def check_rollout(self, units: Collection[str]) -> tuple[AppConfig, list[Unit]]:
        """What a rollout of some units, or of all, would do.

        Returns: the settings it goes by, and the units in the order in which they depend on each other.
        Raises: ConfigError: no such unit, or calve.toml is wrong or says something that only a new start can do.
        """
        topology = self._plan.topology
        for name in units:
            topology.unit(name)
        config = load_config(self._run.config.file.path)
        if config.topologies.get(topology.name) != topology or config.services != self._run.config.services:
            raise ConfigError(
                f"calve.toml spreads other services over topology {topology.name!r} than what runs",
                where=config.file.where(f"topology.{topology.name}"),
                fix="stop `calve run` and start it again",
            )
        ordered = dict.fromkeys(p.unit for p in self._plan.processes)
        return config, [unit for unit in ordered if not units or unit.name in units]

    async def roll_out(self, job: Job, config: AppConfig, units: Collection[Unit], environ: Mapping[str, str]) -> None:
        """Replace every process of some units. Raises JobFailed: one was sick; its unit is as it was before."""
        for number, unit in enumerate(units):
            done: list[Replacement] = []
            for replica in self.of(unit.name):
                replacement = Replacement(replica, environ, config.run, config.rollout, job.say)
                try:
                    await replacement.perform()
                except Sick as sick:
                    for earlier in reversed(done):
                        await earlier.roll_back()
                    left = [u.name for u in units][number + 1 :]
                    also = f"; not begun: {', '.join(left)}" if left else ""
                    lost = [each.lost for each in (replacement, *done) if each.lost is not None]
                    end = "is rolled back" if not lost else f"cannot go back and is started anew: {lost[0]}"
                    raise JobFailed(f"{replica.name}: {sick}; {unit.name} {end}{also}") from sick
                done.append(replacement)
            await asyncio.gather(*(replacement.finish() for replacement in done))
            job.say(f"{unit.name} is rolled out")

    def check_scale(self, name: str, replicas: int) -> Unit:
        """Whether a unit may have so many replicas. Raises ConfigError: why not."""
        unit = self._plan.topology.unit(name)
        if not 1 <= replicas <= REPLICAS_MAX:
            raise ConfigError(f"{name} cannot have {replicas} replicas", fix=f"ask for 1 to {REPLICAS_MAX}")
        children = [replica.child for replica in self.of(name) if replica.child is not None]
        known = [child for child in children if child.standby.is_set()]
        if replicas > 1 and not known:
            raise ConfigError(f"{name} has not started yet, so nothing is known of its stores", fix="wait until it has")
        files = [file for child in known for file in child.files]
        if replicas > 1 and files:
            fix = f"keep one replica, or move {files[0]!r} to a unit of its own"
            raise ConfigError(f"{name} cannot have {replicas} replicas: {one_process(files[0])}", fix=fix)
        return unit

    async def scale(self, job: Job, unit: Unit, replicas: int) -> None:
        """Add replicas, or take the last ones away. Raises JobFailed: a new one did not become ready."""
        while len(self.of(unit.name)) < replicas:
            await self._add_one(job, unit)
        for replica in self.of(unit.name)[replicas:]:
            await self._remove(job, replica)
        job.say(f"{unit.name} has {replicas} replica{'s' if replicas > 1 else ''}")

    async def _add_one(self, job: Job, unit: Unit) -> None:
        first = self.of(unit.name)[0]
        name = next_name(unit.name, [replica.name for replica in self.of(unit.name)])
        self._run.output.add(name)
        replica = self._add(Process(name, unit, first.process.http_port, ()))
        self._keep(replica, planned=False)
        limit = self._run.config.run.ready_seconds
        await first_of(replica.ready, replica.gone, self._run.stopping, timeout_seconds=limit)
        if not replica.ready.is_set():
            replica.retire(0.0)
            await replica.gone.wait()
            self._forget(replica)
            raise JobFailed(f"{name} was not ready within {limit:g} s: {replica.failure or 'see its log'}")
        self.publish()
        job.say(f"{name} is ready and gets calls")

    async def _remove(self, job: Job, replica: Replica) -> None:
        self._forget(replica)
        self.publish()
        job.say(f"{replica.name} gets no more calls and finishes those it has")
        settings = self._run.config
        replica.retire(max(settings.rollout.drain_delay_seconds, settings.run.drain_delay_seconds))
        await replica.gone.wait()
        job.say(f"{replica.name} has stopped")

    # Replicas --------------------------------------------------------------------------------------------------------

    def _add(self, process: Process) -> Replica:
        wire = wire_socket(socket_path(self._run.folder, process.name))
        try:
            sockets = Sockets(self._http_of(process).dup(), wire)
        except BaseException:
            wire.close()
            raise
        environ = self._environ[process.unit.name]
        replica = Replica(self._run, process, sockets, environ, lambda: self._callers_gone(process.unit.name))
        self.replicas[process.name] = replica
        return replica

    def _forget(self, replica: Replica) -> None:
        self.replicas.pop(replica.name, None)
        socket_path(self._run.folder, replica.name).unlink(missing_ok=True)

    def _http_of(self, process: Process) -> socket.socket:
        unit, config = process.unit.name, self._run.config
        if unit not in self._http:
            own = config.units[unit].http_port is not None
            where = config.file.where(f"unit.{unit}", "http_port") if own else config.file.where("http", "port")
            self._http[unit] = http_socket(config.http.host, process.http_port, where)
        return self._http[unit]

    def _keep(self, replica: Replica, *, planned: bool = True) -> None:
        self._keepers.append(asyncio.get_running_loop().create_task(self._life(replica, planned)))

    async def _life(self, replica: Replica, planned: bool) -> None:
        """A replica after those it needs; its failure is the whole run's when the plan has it."""
        try:
            for needed in [self.replicas[name] for name in replica.process.after]:
                await first_of(needed.ready, needed.gone, replica.ending)
            await replica.keep()
        except BaseException:  # a bug of ours: nothing may go on unwatched
            self._run.stopping.set()
            raise
        if planned and replica.failure is not None:
            self.failure = self.failure or ConfigError(replica.failure, where=f"unit {replica.unit.name}")
            self._run.stopping.set()

    async def _callers_gone(self, unit: str) -> None:
        callers = [r for r in self.replicas.values() if unit in self._needs.get(r.unit.name, ())]
        await asyncio.gather(*(replica.gone.wait() for replica in callers))
