"""Random interleavings against a model: whatever commits, raises or is cancelled in any order, the rows are right.

Each transaction is a task that waits for the test before every step, so Hypothesis decides the order of events. The
model knows only this: a transaction's writes count if its task ended normally, and may if it was cancelled too late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from calve.store import ConstraintViolated, SchemaFile, SqliteOptions, SqliteStore

SCHEMA = [SchemaFile("0001_init.sql", "CREATE TABLE mark (id INTEGER PRIMARY KEY, who INTEGER) STRICT")]
INSERT = "INSERT INTO mark (who) VALUES (:who)"
MOST = 8


class Refused(Exception):
    """A domain error."""


class Member:
    """One transaction and the channel through which the test moves it."""

    def __init__(self, store: SqliteStore, who: int) -> None:
        self.who, self.wrote = who, 0
        self.steps: asyncio.Queue[str] = asyncio.Queue()
        self.task = asyncio.get_running_loop().create_task(self._run(store))
        self.left = False

    async def _run(self, store: SqliteStore) -> None:
        async with store.transaction() as tx:
            while (step := await self.steps.get()) != "leave":
                if step == "write":
                    await tx.execute(INSERT, who=self.who)
                    self.wrote += 1
                elif step == "many":
                    await tx.execute_many(INSERT, [{"who": self.who}] * 40)
                    self.wrote += 40
                elif step == "read":
                    assert (
                        await tx.one("SELECT count(*) AS n FROM mark WHERE who = :who", int, who=self.who) == self.wrote
                    )
                elif step == "violate":
                    await tx.execute("INSERT INTO mark (id, who) VALUES (-1, 0), (-1, 0)")
                else:
                    raise Refused


class Interleavings(RuleBasedStateMachine):
    """The rules Hypothesis may apply, in any order."""

    # Nothing timed: what happens must depend on Hypothesis alone.
    options = SqliteOptions(batch_count_max=3, batch_seconds_max=60, loop_seconds_max=60)

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store = self.run(lambda: SqliteStore.memory(SCHEMA, self.options))
        self.members: list[Member] = []
        self.expected: dict[int, int] = {}
        """Rows per acknowledged transaction."""
        self.possible: dict[int, int] = {}
        """Rows per cancelled transaction, if it was too late."""
        self.started = 0

    def run(self, make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Run a coroutine on the test's own loop."""
        return self.loop.run_until_complete(make())

    async def _turns(self, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    @precondition(lambda self: len(self.members) < MOST)
    @rule()
    def begin(self) -> None:
        """One more transaction."""
        self.started += 1

        async def begin() -> None:
            self.members.append(Member(self.store, self.started))

        self.run(begin)

    @precondition(lambda self: self.members)
    @rule(
        data=st.data(), step=st.sampled_from(["write", "write", "many", "read", "violate", "refuse", "leave", "leave"])
    )
    def move(self, data: st.DataObject, step: str) -> None:
        """Tell a transaction its next step; it may take it at once, or when it gets the writer."""
        member = data.draw(st.sampled_from(self.members))
        if not member.left:
            member.left = step in ("leave", "refuse", "violate")
            member.steps.put_nowait(step)

    @precondition(lambda self: self.members)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Cancel a transaction, wherever it is; if it is being committed, it may be kept all the same."""
        member = data.draw(st.sampled_from(self.members))
        member.left = True
        member.task.cancel()

    @rule(count=st.integers(0, 12))
    def let_run(self, count: int) -> None:
        """Turn the loop so many times."""
        self.run(lambda: self._turns(count))

    @invariant()
    def rows_are_those_of_the_acknowledged(self) -> None:
        """What any reader sees holds the acknowledged writes whole, and nobody's in part."""
        for member in [m for m in self.members if m.task.done()]:
            self.members.remove(member)
            error = None if member.task.cancelled() else member.task.exception()
            assert error is None or isinstance(error, Refused | ConstraintViolated)
            if member.task.cancelled():
                self.possible[member.who] = member.wrote
            elif error is None and member.wrote:
                self.expected[member.who] = member.wrote
        found = {row.who: row.n for row in self.rows()}
        committing = {member.who: member.wrote for member in self.members if member.left}
        for who, count in found.items():
            assert count == {**self.possible, **committing, **self.expected}[who]
        assert self.expected.items() <= found.items()

    def rows(self) -> list[Any]:
        """Rows per transaction."""
        rows: list[Any] = self.run(lambda: self.store.all("SELECT who, count(*) AS n FROM mark GROUP BY who"))
        return rows

    def teardown(self) -> None:
        """Nobody is stuck: every transaction ends when told to, and a new one gets the writer."""

        async def end() -> None:
            for member in self.members:
                if not member.left:
                    member.steps.put_nowait("leave")
            await asyncio.gather(*(member.task for member in self.members), return_exceptions=True)
            async with self.store.transaction() as tx:
                await tx.execute(INSERT, who=0)
            await self.store.close()

        try:
            self.run(lambda: asyncio.wait_for(end(), 30))
        finally:
            self.loop.close()


class InThreads(Interleavings):
    """The same when every statement is sent to a worker: a transaction can be cancelled in the middle of one."""

    options = SqliteOptions(batch_count_max=3, batch_seconds_max=60, loop_steps_max=1, loop_seconds_max=-1.0)


THOROUGH = settings(
    max_examples=150, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestOnTheLoop = Interleavings.TestCase
TestOnTheLoop.settings = THOROUGH
TestInThreads = InThreads.TestCase
TestInThreads.settings = THOROUGH
