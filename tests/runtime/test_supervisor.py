"""The supervisor with real processes: starting, dying, restarting, stopping, and being killed itself."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from pathlib import Path

import pytest

from .conftest import Run, StartRun, watched

linux = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only on Linux: watches another's children by pidfd")


def order(run: Run, *patterns: str) -> list[int]:
    """Where in the output each pattern is first found."""
    return [next(n for n, line in enumerate(run.lines) if re.search(p, line)) for p in patterns]


async def test_units_start_after_what_they_need_and_stop_before_it(start_run: StartRun, short_tmp: Path) -> None:
    run = await start_run()
    await run.line("shop is ready on http://127.0.0.1:8000")
    run.signal(signal.SIGTERM)
    assert await run.end() == 0
    for needed in ("money", "goods"):
        ready, start = order(run, rf"{needed} is ready", "front: importing")
        assert ready < start
        gone, drain = order(run, r"^front \| stops", rf"^{needed} \| drains")
        assert gone < drain
    assert "calve | SIGTERM: stopping; calls in flight may finish" in run.lines
    assert os.listdir(short_tmp) == [], "the sockets' folder is left behind"


async def test_progress_is_shown_while_starting(start_run: StartRun) -> None:
    run = await start_run()
    await run.line("shop is ready")
    assert order(
        run, "starting 3 units of topology 'split'", "money: opening nothing", r"money is ready on http://\S+:8001"
    )
    assert order(run, r"goods is ready on http://127.0.0.1:8002 after \d+\.\d s")


async def test_a_unit_that_is_killed_comes_back(start_run: StartRun) -> None:
    run = await start_run()
    await run.line("shop is ready")
    for time in (1, 2):
        pid = await run.pid("money", nth=time)
        os.kill(pid, signal.SIGKILL)
        await run.line(r"money was killed \(SIGKILL\); restarting in 0\.\d s", nth=time)
        assert await run.pid("money", nth=time + 1) != pid
        await run.line("money is ready", nth=time + 1)
    assert len([line for line in run.lines if "front: importing" in line]) == 1, "others are left alone"
    run.signal(signal.SIGTERM)
    assert await run.end() == 0


async def test_a_unit_that_was_up_for_long_is_restarted_as_if_for_the_first_time(start_run: StartRun) -> None:
    run = await start_run(settings="stable_seconds = 0", CALVE_RUN_RESTART_DELAY_SECONDS="0.04")
    for time in (1, 2, 3):
        os.kill(await run.pid("money", nth=time), signal.SIGKILL)
        await run.line("money was killed", nth=time)
        await run.line("money is ready", nth=time)
    assert (await run.line(r"restarting in (.*) s", nth=3))[1] == "0.0"


async def test_a_crash_at_the_start_is_tried_again(start_run: StartRun) -> None:
    run = await start_run(FAKE_MONEY="once")
    await run.line("money ended with exit code 1; restarting in")
    await run.line("RuntimeError: a bug")
    await run.line("shop is ready")


async def test_a_unit_that_does_not_get_ready_is_killed_and_tried_again(start_run: StartRun) -> None:
    run = await start_run(settings="ready_seconds = 0.2", FAKE_MONEY="slow")
    await run.line(r"money is not ready after 0\.2 s and is killed", nth=2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_calls_in_flight_finish(start_run: StartRun, number: signal.Signals) -> None:
    run = await start_run()
    reader, writer = await asyncio.open_unix_connection(await run.socket("money"))
    await run.line("shop is ready")
    writer.write(b"hold\n")
    assert await reader.readline() == b"holding\n"
    run.signal(number)
    await run.line(r"^money \| drains in state draining")
    writer.write(b"finish\n")
    assert await reader.readline() == b"done\n"
    writer.close()
    assert await run.end() == 0


async def test_the_grace_ends(start_run: StartRun) -> None:
    run = await start_run(settings="grace_seconds = 0.0")
    reader, writer = await asyncio.open_unix_connection(await run.socket("money"))
    writer.write(b"hold\n")
    assert await reader.readline() == b"holding\n"
    await run.line("shop is ready")
    run.signal(signal.SIGTERM)
    assert await run.end() == 0
    assert "money | stops" in run.lines
    writer.close()


@linux
async def test_a_second_interrupt_kills(start_run: StartRun) -> None:
    run = await start_run(FAKE_MONEY="deaf")
    await run.line("shop is ready")
    with watched(await run.pid("money")) as wait_gone:
        run.signal(signal.SIGINT)
        await run.line(r"^money \| drains")
        run.signal(signal.SIGINT)
        assert await run.end() == 130
        await wait_gone()
    assert "calve | killed" in run.lines


async def test_a_unit_that_does_not_stop_is_killed_and_the_run_is_not_clean(start_run: StartRun) -> None:
    run = await start_run("one", settings="grace_seconds = 0", FAKE_SHOP="deaf")
    await run.line("shop is ready")
    run.signal(signal.SIGTERM)
    await run.line(r"shop did not stop within 2\.2 s and is killed")
    assert await run.end() == 1


async def test_stopping_while_starting_is_clean(start_run: StartRun) -> None:
    run = await start_run(FAKE_MONEY="slow")
    await run.line("never gets ready")
    run.signal(signal.SIGTERM)
    assert await run.end() == 0
    assert "front" not in "".join(run.lines), "what waited for it was never started"
    assert "money | stops" in run.lines


@linux
async def test_units_die_with_a_supervisor_that_is_killed(start_run: StartRun) -> None:
    run = await start_run()
    await run.line("shop is ready")
    with watched(await run.pid("front")) as front_gone, watched(await run.pid("money")) as money_gone:
        run.signal(signal.SIGKILL)
        assert await run.process.wait() == -signal.SIGKILL
        await front_gone()
        await money_gone()


@linux
async def test_units_that_hang_die_with_a_supervisor_that_is_killed(start_run: StartRun) -> None:
    run = await start_run(settings="grace_seconds = 0", FAKE_MONEY="deaf")
    await run.line("shop is ready")
    with watched(await run.pid("money")) as money_gone:
        run.signal(signal.SIGKILL)
        await money_gone()


async def test_a_unit_that_is_configured_wrong_ends_the_run(start_run: StartRun) -> None:
    run = await start_run(FAKE_MONEY="config")
    assert await run.end() == 2
    assert run.lines[-1] == "error: unit money: calve.toml:7: the moon is in the way; wait a fortnight"
    assert "Traceback" not in "".join(run.lines)
    assert len([line for line in run.lines if "money: importing" in line]) == 1


async def test_a_unit_that_ends_with_exit_code_2_unsaid_ends_the_run(start_run: StartRun) -> None:
    run = await start_run("one", FAKE_SHOP="early")
    assert await run.end() == 2
    assert run.lines[-1] == "error: unit shop: it cannot start; the reason is above"


async def test_a_port_in_use_ends_the_run_with_one_line(start_run: StartRun) -> None:
    run = await start_run("one", FAKE_SHOP="port")
    assert await run.end() == 2
    assert re.match(r"error: unit shop: cannot listen: .*in use.*; choose another port or address$", run.lines[-1])
    assert "Traceback" not in "".join(run.lines)


async def test_one_process_needs_no_labels(start_run: StartRun) -> None:
    run = await start_run("one")
    await run.line(r"^pid \d+ listens on unix:.*/shop\.sock$")
    await run.line(r"^calve \| shop is ready on http://127\.0\.0\.1:8000 after .* s; Ctrl-C stops it$")


async def test_off_a_terminal_everything_is_logged_as_json(start_run: StartRun) -> None:
    run = await start_run(CALVE_LOG_FORMAT="auto")
    assert json.loads((await run.line("money is ready")).string)["level"] == "info"
    os.kill(await run.pid("money"), signal.SIGKILL)
    assert json.loads((await run.line("money was killed")).string)["level"] == "warning"


async def test_lines_of_several_processes_and_outputs_never_mix(start_run: StartRun) -> None:
    run = await start_run(FAKE_MONEY="noisy", FAKE_GOODS="noisy")
    seen = {f"{unit} | {number:04d} {'x' * 3000}" for unit in ("money", "goods") for number in (0, 199)}
    for unit in ("money", "goods"):
        await run.line(rf"^{unit} \| 0199 ", nth=2)
    run.signal(signal.SIGTERM)
    assert await run.end() == 0
    noise = [line for line in run.lines if "xx" in line]
    assert len(noise) == 2 * 2 * 200
    assert all(re.fullmatch(r"(money|goods) \| \d{4} x{3000}", line) for line in noise)
    assert seen <= set(noise)


async def test_endpoints_are_published_while_it_runs(start_run: StartRun, tmp_path: Path) -> None:
    run = await start_run()
    await run.line("shop is ready")
    path = tmp_path / ".calve" / "endpoints.json"
    assert await run.socket("money") in path.read_text()
    run.signal(signal.SIGTERM)
    await run.end()
    assert not path.exists()
