"""A real process, killed at each crash point and at random: a repeat has its effect once, an answer stays given."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from calve.contract import describe
from calve.core.clock import SystemClock
from calve.core.context import CallContext
from calve.core.crash import VARIABLE
from calve.core.deadline import TimerWheel
from calve.core.errors import AnswerLost, InFlight, Unavailable
from calve.runtime.endpoints import private_folder
from calve.transport.wire import StaticResolver, WireClient

from .conftest import Bank

OPERATIONS = describe(Bank).operations


class Process:
    """One life of the bank."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.process, self._clock = process, SystemClock()
        wheel = TimerWheel(asyncio.get_running_loop(), self._clock.monotonic)
        resolver = StaticResolver({"bank": [f"unix:{folder}/plain.sock"]})
        inside = StaticResolver({"bank": [f"unix:{folder}/inside.sock"]})
        self._clients = {
            "plain": WireClient(resolver, wheel=wheel, clock=self._clock),
            "inside": WireClient(inside, wheel=wheel, clock=self._clock),
        }

    async def call(self, operation: str, owner: str, key: str | None, server: str = "plain") -> tuple[object, bool]:
        """The answer, and whether it is a repeated one."""
        context = CallContext("", self._clock.monotonic() + 20, key=key)
        described = OPERATIONS[operation]
        answer = await self._clients[server].call("bank", described, described.request(owner), context)
        return answer, context.replayed

    async def total(self, owner: str) -> object:
        """What was paid."""
        return (await self.call("total", owner, None))[0]

    async def ended(self) -> int:
        """Its exit code; negative for a signal."""
        return await self.process.wait()

    async def close(self) -> None:
        """Let go of the connections, and of the process."""
        for client in self._clients.values():
            await client.close()
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def life(folder: Path, crash_at: str = "") -> AsyncIterator[Process]:
    """A process of the bank."""
    root = Path(__file__).parents[3]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"{__package__ or 'tests.service.idempotency'}.bank_process", str(folder),
        env={**os.environ, VARIABLE: crash_at}, cwd=root, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    one = Process(process, folder)
    try:
        yield one
    finally:
        await one.close()


# Where it dies, which server, which operation -> what a repeat gets; None when it runs.
CASES = {
    ("command.before_mark", "plain", "pay"): None,
    ("command.before_commit", "plain", "pay"): None,
    ("command.before_answer", "plain", "pay"): "lost",
    ("command.before_response", "plain", "pay"): "replayed",
    ("command.before_response", "inside", "pay"): "replayed",
    ("command.before_response", "plain", "touch"): "replayed",
}


@pytest.mark.parametrize(("point", "server", "operation"), CASES)
async def test_whatever_the_moment_a_repeat_has_one_effect(point: str, server: str, operation: str) -> None:
    expected = CASES[point, server, operation]
    with private_folder() as folder:
        async with life(folder, crash_at=point) as first:
            with pytest.raises(Unavailable) as caught:
                await first.call(operation, "ada", "k1", server)
            assert caught.value.may_have_run
            assert await first.ended() == -signal.SIGKILL
        async with life(folder) as second:
            if expected == "lost":
                with pytest.raises(AnswerLost, match="k1"):
                    await second.call(operation, "ada", "k1", server)
            else:
                answer, replayed = await second.call(operation, "ada", "k1", server)
                assert (answer, replayed) == (None if operation == "touch" else 1, expected == "replayed")
            assert await second.total("ada") == 1


async def until_known(lives: list[Process], key: str, chance: random.Random) -> object:
    """Repeat a command until there is an answer, or it is known to be lost."""
    server = "inside" if int(key) % 2 else "plain"
    while True:
        life = lives[-1]
        try:
            return (await life.call("pay", key, key, server))[0]
        except AnswerLost:
            assert server == "plain", "an answer given within the transaction is never lost"
            return "lost"
        except (Unavailable, InFlight):
            await asyncio.sleep(0.001 * chance.random())


async def test_killed_again_and_again_every_command_has_its_effect_once() -> None:
    chance, commands = random.Random(7), 300
    with private_folder() as folder:
        lives: list[Process] = []
        answers: list[object] = []
        points = ["before_mark", "before_commit", "before_answer", "before_response"]
        numbers = iter(range(commands))

        async def customer() -> None:
            for number in numbers:
                answers.append(await until_known(lives, str(number), chance))

        async with life(folder, f"command.{chance.choice(points)}:{chance.randrange(5, 40)}") as first:
            lives.append(first)
            customers = [asyncio.create_task(customer()) for _ in range(10)]
            await first.ended()
        for _ in range(5):
            async with life(folder, f"command.{chance.choice(points)}:{chance.randrange(5, 40)}") as another:
                lives.append(another)
                await another.ended()
        async with life(folder) as last:
            lives.append(last)
            await asyncio.gather(*customers)
            assert [await last.total(str(number)) for number in range(commands)] == [1] * commands
        assert set(answers) <= {1, "lost"}
        assert answers.count(1) > commands / 2
