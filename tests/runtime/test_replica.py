"""Restarting with growing pauses, and noticing what hangs."""

from __future__ import annotations

import os
import signal

from calve.runtime.replica import Backoff

from .conftest import StartRun


def test_pauses_double_with_jitter_until_the_longest() -> None:
    backoff = Backoff(1.0, 5.0)
    for full in (1.0, 2.0, 4.0, 5.0, 5.0):
        assert full / 2 <= backoff.pause_seconds() <= full
    backoff.reset()
    assert backoff.pause_seconds() <= 1.0
    assert len({Backoff(1.0, 5.0).pause_seconds() for _ in range(20)}) > 1, "no jitter"


HEART = "heartbeat_seconds = 0.05\nheartbeats_missed_max = 4\n"


async def test_a_process_that_stands_still_is_replaced(start_run: StartRun) -> None:
    run = await start_run(settings=HEART)
    await run.line("shop is ready")
    os.kill(await run.pid("money"), signal.SIGSTOP)
    await run.line(r"money gave no sign of life for 0\.2 s and is killed")
    await run.line(r"money was killed \(SIGKILL\); restarting")
    await run.line("money is ready", nth=2)


async def test_a_loop_that_hangs_is_noticed(start_run: StartRun) -> None:
    run = await start_run("one", settings=HEART, FAKE_SHOP="hung")
    await run.line("shop gave no sign of life", nth=2)


async def test_one_that_is_only_busy_lives(start_run: StartRun) -> None:
    run = await start_run(settings=HEART.replace("= 4", "= 1000"))
    await run.line("shop is ready")
    pid = await run.pid("money")
    os.kill(pid, signal.SIGSTOP)
    os.kill(await run.pid("goods"), signal.SIGKILL)
    await run.line("goods is ready", nth=2)
    os.kill(pid, signal.SIGCONT)
    run.signal(signal.SIGTERM)
    assert await run.end() == 0
    assert "no sign of life" not in "".join(run.lines)
