"""Replacing the process of a replica by a new one of new code and new settings, and taking that back.

A unit without files of its own: both processes serve for a while.

    new    spawn ─> standby ─> ready ──────── watched ────────┐
    old    serving ───────────────────────────────────────────┴─ released (kept) ─> stopped with the whole rollout

A unit with a store in a file, which only one process may have open: one hands over to the other.

    new    spawn ─> standby ───────────┬─ open ─> ready ── watched ─┐
    old    serving ──────── released ──┘  (kept) ───────────────────┴─> stopped with the whole rollout

Both accept from the same sockets, so whoever calls or connects meanwhile waits in the system's queue and not in vain. A
released process serves nobody and holds nothing, but it still has the old code in memory and can open again: that is
what a rollback is, at any time before the whole unit is done.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping

from .child import Child, describe_exit
from .notify import Notice, Order
from .replica import Replica
from .sections import RolloutSettings, RunSettings

LOOK_SECONDS = 0.25
"""How often a new process that is watched is asked how it is."""
LOOK_TIMEOUT_SECONDS = 3.0
"""How long it may take to say so; checks have two seconds."""
CALLS_MIN = 10
"""Fewer calls than this say nothing about a share of errors."""


class Sick(Exception):
    """The new process is no good; the text says why. What was there before serves again."""


class Replacement:
    """One replica's change from an old process to a new one. Use once; see the module.

    Args:
        replica: Its process is replaced.
        environ: Variables for the new process, over those of the replica.
        run: Limits of the run.
        rollout: Limits of the rollout.
        say: Told each step.
    """

    def __init__(
        self,
        replica: Replica,
        environ: Mapping[str, str],
        run: RunSettings,
        rollout: RolloutSettings,
        say: Callable[[str], None],
    ) -> None:
        self._replica, self._environ, self._run, self._rollout = replica, dict(environ), run, rollout
        self._tell = say
        self._old: Child | None = replica.child
        self._new: Child | None = None
        self._alone = False
        """Whether only one of the two may be open."""
        self.lost: str | None = None
        """Why there was no way back: the old process could not take over again."""

    async def perform(self) -> None:
        """Put a new process into the place of the old one, which is kept, released.

        Raises: Sick: the new one is gone, and the old one serves.
        """
        replica, old = self._replica, self._old
        if old is None or old.exited.is_set() or not old.ready.is_set():
            raise Sick("it is not ready itself; wait until it is, or see its log")
        replica.settled.clear()
        replica.become("replacing")
        try:
            await self._forward(old)
        except BaseException:
            await self._give_up()
            raise
        finally:
            replica.settled.set()

    async def _forward(self, old: Child) -> None:
        replica = self._replica
        started = time.monotonic()
        before = await old.report(LOOK_TIMEOUT_SECONDS)
        try:
            new = self._new = await replica.spawn(stand_by=True, environ=self._environ)
        except OSError as error:
            raise Sick(f"no process can be started ({error})") from error
        await self._until(new.standby, new, self._run.ready_seconds, "checked")
        self._alone = bool(old.files or new.files)
        if self._alone:
            self._say(f"process {new.pid} stands by; process {old.pid} hands over")
            await self._release(old, min(self._run.grace_seconds, self._rollout.handover_seconds))
        new.order(Order("open"))
        limit = self._rollout.handover_seconds if self._alone else self._run.ready_seconds
        await self._until(new.ready, new, limit, "ready")
        replica.child = new
        self._say(f"process {new.pid} is ready after {time.monotonic() - started:.1f} s")
        await self._watch(new, before)
        if not self._alone:
            await self._release(old, self._run.grace_seconds)
        replica.become("ready")
        replica.replaced.set()

    async def _release(self, old: Child, grace_seconds: float) -> None:
        delay = max(self._rollout.drain_delay_seconds, self._run.drain_delay_seconds)
        old.order(Order("release", delay, grace_seconds))
        # Closing may take its time; a process that does not even do that is of no use for a rollback either.
        limit = delay + grace_seconds + self._rollout.handover_seconds
        if not await self._replica.until(old.released, old, limit) and not old.exited.is_set():
            self._say(f"process {old.pid} did not let go within {limit:g} s and is killed")
            old.kill()
            await self._replica.bury(old)

    async def _until(self, event: asyncio.Event, child: Child, limit_seconds: float, what: str) -> None:
        if not await self._replica.until(event, child, limit_seconds):
            raise Sick(await self._reason(child, f"was not {what} within {limit_seconds:g} s"))

    async def _reason(self, child: Child, otherwise: str) -> str:
        which = "old" if child is self._old else "new"
        if not child.exited.is_set():
            return f"the {which} process {otherwise}"
        await child.close()  # its last words arrive
        return child.failure or f"the {which} process {describe_exit(child.exit_code)}"

    async def _watch(self, new: Child, before: Notice | None) -> None:
        """Look at it until the time is over. Raises Sick: it is worse than the old one was."""
        end = time.monotonic() + self._rollout.watch_seconds
        while True:
            report = await new.report(LOOK_TIMEOUT_SECONDS)
            if new.exited.is_set():
                raise Sick(await self._reason(new, ""))
            if report is None:
                raise Sick(f"the new process gives no sign of life for {LOOK_TIMEOUT_SECONDS:g} s")
            self._compare(report, before or Notice("report"))
            left = end - time.monotonic()
            if left <= 0:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(new.exited.wait(), min(left, LOOK_SECONDS))

    def _compare(self, now: Notice, before: Notice) -> None:
        """Raise Sick if the new process fails a check that the old one passed, or many more calls."""
        failing = {name: result for name, result in now.checks.items() if result != "ok"}
        bad = [f"{name}: {result}" for name, result in failing.items() if before.checks.get(name, "ok") == "ok"]
        if bad:
            raise Sick(f"the new process fails its checks ({', '.join(bad)})")
        was = before.errors / before.calls if before.calls else 0.0
        share = now.errors / now.calls if now.calls >= CALLS_MIN else 0.0
        if share > was + self._rollout.errors_max:
            raise Sick(f"the new process failed {now.errors} of {now.calls} calls")

    async def _give_up(self) -> None:
        """Undo what was done, whatever it was; when the run is to end, leave that to the replica."""
        if self._replica.ending.is_set():
            self._replica.child = self._old
        else:
            await self._back()

    async def roll_back(self) -> None:
        """After `perform`: put the old process in place of the new one again."""
        replica = self._replica
        replica.settled.clear()
        replica.become("replacing")
        try:
            await self._back()
        finally:
            replica.settled.set()

    async def _back(self) -> None:
        replica, old, new = self._replica, self._old, self._new
        gone = old is None or old.exited.is_set()
        stop = Order("stop", self._rollout.drain_delay_seconds)
        if gone:
            # Nothing to go back to: whatever the new one is, there is only that, or a restart if it is dead.
            if new is not None and new.ready.is_set():
                self._say(f"its old process is gone, so process {new.pid} stays")
            elif new is not None:
                await replica.stop(new, stop)
            replica.replaced.set()
            return
        assert old is not None
        if new is not None and self._alone:
            await replica.stop(new, Order("stop", 0.0))
        if old.released.is_set() or not old.ready.is_set():
            old.order(Order("open"))
            if not await replica.until(old.ready, old, self._run.ready_seconds):
                self.lost = await self._reason(old, f"was not ready within {self._run.ready_seconds:g} s")
                self._say(f"process {old.pid} cannot take over again: {self.lost}")
                old.kill()
        replica.child = old
        if new is not None and not self._alone:
            await replica.stop(new, stop)
        if not old.exited.is_set():
            self._say(f"process {old.pid} serves on")
        replica.become("ready")
        replica.replaced.set()

    async def finish(self) -> None:
        """After `perform`: let the old process go, and keep what the new one was started with."""
        self._replica.environ.update(self._environ)
        if self._old is not None and not self._old.exited.is_set():
            await self._replica.stop(self._old, Order("stop", 0.0))

    def _say(self, text: str) -> None:
        self._tell(f"{self._replica.name}: {text}")
