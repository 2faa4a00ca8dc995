"""The life of one unit process, with and without a supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from calve.runtime.notify import FD_VARIABLE, LineReader, Notice, Order
from calve.runtime.unit import _run, stop_seconds_max

from .conftest import PATIENCE_SECONDS, PROGRAM, PROJECT, MakeConfig


class UnitRun:
    """A unit in a process of its own, and the supervisor's end of its notify socket."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        notify: asyncio.StreamReader,
        orders: asyncio.StreamWriter,
        path: Path,
    ) -> None:
        self.process, self.orders, self.path = process, orders, path
        self._notify, self._reader = notify, LineReader(Notice)
        self.notices: list[Notice] = []

    def order(self, order: Order) -> None:
        """Tell it to do something."""
        self.orders.write(msgspec.json.encode(order) + b"\n")

    async def notice(self, state: str) -> Notice:
        """Wait for a notice; keep all that came before it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                line = await self._notify.readline()
                assert line, f"no {state!r} among {self.notices}"
                self.notices += self._reader.feed(line)
                if self.notices[-1].state == state:
                    return self.notices[-1]

    async def says(self, text: str) -> None:
        """Wait for a line with that text on standard output."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text not in (line := await self.process.stdout.readline()).decode():
                assert line, f"never said {text!r}"

    async def end(self) -> tuple[int, str]:
        """Wait for the end. Returns: exit code and standard error."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            _, stderr = await self.process.communicate()
        return self.process.returncode or 0, stderr.decode()


StartUnit = Callable[..., Awaitable[UnitRun]]


@pytest_asyncio.fixture
async def start_unit(tmp_path: Path, short_tmp: Path) -> AsyncIterator[StartUnit]:
    """Start a fake unit, supervised by the test unless told otherwise; it is killed at the end of the test."""
    runs: list[UnitRun] = []
    writers: list[asyncio.StreamWriter] = []

    async def start(
        fault: str = "", *, settings: str = "", supervised: bool = True, opened: bool = True, **environ: str
    ) -> UnitRun:
        (tmp_path / "calve.toml").write_text(f"{PROJECT}[run]\n{settings}\n")
        path = short_tmp / "shop.sock"
        environ = {**os.environ, **environ, "FAKE_SHOP": fault, "CALVE_UNIT_SHOP_LISTEN": f"unix:{path}"}
        environ["CALVE_UNIT_SHOP_HTTP_PORT"] = "8005"
        ours, theirs = socket.socketpair()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, PROGRAM, "unit", tmp_path / "calve.toml", "one", "shop"),
            env={**environ, FD_VARIABLE: str(theirs.fileno())} if supervised else environ,
            pass_fds=[theirs.fileno()] if supervised else [],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        theirs.close()
        reader, writer = await asyncio.open_connection(sock=ours)
        writers.append(writer)
        runs.append(UnitRun(process, reader, writer, path))
        if opened:
            runs[-1].order(Order("open"))
        return runs[-1]

    yield start
    for writer in writers:
        writer.close()
    for run in runs:
        if run.process.returncode is None:
            run.process.kill()
            await run.end()


async def test_the_supervisor_is_told_every_step(start_unit: StartUnit) -> None:
    run = await start_unit()
    assert await run.notice("ready") == Notice("ready", http="http://127.0.0.1:8005")
    run.process.send_signal(signal.SIGTERM)
    await run.notice("stopped")
    assert run.notices == [
        Notice("starting", "importing services"),
        Notice("standby"),
        Notice("starting", "opening nothing"),
        Notice("ready", http="http://127.0.0.1:8005"),
        Notice("draining"),
        Notice("stopped"),
    ]
    assert await run.end() == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_alone_it_stops_cleanly_too(start_unit: StartUnit, number: signal.Signals) -> None:
    run = await start_unit(supervised=False)
    await run.says("listens on")
    run.process.send_signal(number)
    await run.says("drains in state draining")
    await run.says("stops")
    assert await run.end() == (0, "")


async def test_unready_comes_before_refusing(start_unit: StartUnit) -> None:
    run = await start_unit(settings="drain_delay_seconds = 600")
    await run.notice("ready")
    run.process.send_signal(signal.SIGTERM)
    await run.notice("draining")
    reader, writer = await asyncio.open_unix_connection(run.path)
    writer.write(b"hold\n")
    assert await reader.readline() == b"holding\n"
    writer.close()
    run.process.kill()
    stdout, _ = await run.process.communicate()
    assert b"drains" not in stdout


async def test_a_second_interrupt_ends_it_at_once(start_unit: StartUnit) -> None:
    run = await start_unit(settings="grace_seconds = 600")
    await run.notice("ready")
    reader, writer = await asyncio.open_unix_connection(run.path)
    writer.write(b"hold\n")
    assert await reader.readline() == b"holding\n"
    run.process.send_signal(signal.SIGINT)
    await run.says("drains")
    run.process.send_signal(signal.SIGINT)
    assert await run.end() == (130, "")
    writer.close()


async def test_a_fault_of_configuration_is_told_to_the_supervisor_alone(start_unit: StartUnit) -> None:
    run = await start_unit("config")
    assert (await run.notice("failed")).detail == "calve.toml:7: the moon is in the way; wait a fortnight"
    await run.says("stops")
    assert await run.end() == (2, "")


async def test_a_fault_of_configuration_is_raised_when_alone(start_unit: StartUnit) -> None:
    run = await start_unit("config", supervised=False)
    assert await run.end() == (2, "error: calve.toml:7: the moon is in the way; wait a fortnight\n")


async def test_a_port_in_use_is_a_fault_of_configuration(start_unit: StartUnit) -> None:
    run = await start_unit("port", supervised=False)
    code, stderr = await run.end()
    assert code == 2
    assert stderr.startswith("error: cannot listen: ")
    assert stderr.endswith("; choose another port or address\n")


async def test_a_crash_at_the_start_releases_what_was_opened(start_unit: StartUnit) -> None:
    run = await start_unit("crash")
    await run.says("stops")
    code, stderr = await run.end()
    assert code == 1
    assert stderr.endswith("RuntimeError: a bug\n")


async def test_a_stop_during_the_start_is_clean(start_unit: StartUnit) -> None:
    run = await start_unit("slow")
    await run.says("never gets ready")
    run.process.send_signal(signal.SIGTERM)
    await run.says("stops")
    assert await run.end() == (0, "")
    assert "ready" not in [notice.state for notice in run.notices]


def test_a_clean_stop_is_bounded(make_config: MakeConfig) -> None:
    config = make_config("[run]\ngrace_seconds = 3\ndrain_delay_seconds = 2\n")
    assert stop_seconds_max(config) == 2 + 3 + 1 + 5


async def test_it_stands_by_hands_over_and_takes_back(start_unit: StartUnit) -> None:
    run = await start_unit(opened=False, FAKE_FILES_SHOP="wallet")
    assert (await run.notice("standby")).files == ("wallet",)
    for _ in range(2):
        run.order(Order("open"))
        assert (await run.notice("ready")).files == ("wallet",)
        reader, writer = await asyncio.open_unix_connection(run.path)
        writer.write(b"hold\n")
        assert await reader.readline() == b"holding\n"
        run.order(Order("release", delay_seconds=0, grace_seconds=600))
        await run.says("drains in state draining")
        writer.write(b"finish\n")
        assert await reader.readline() == b"done\n"
        writer.close()
        await run.notice("released")
    run.order(Order("stop"))
    assert await run.end() == (0, "")
    assert [n.state for n in run.notices].count("ready") == 2


async def test_one_that_stands_by_stops_by_signal(start_unit: StartUnit) -> None:
    run = await start_unit(opened=False)
    await run.notice("standby")
    run.process.send_signal(signal.SIGTERM)
    assert await run.end() == (0, "")
    assert "ready" not in [n.state for n in run.notices]


async def test_an_order_to_stop_brings_its_own_times(start_unit: StartUnit) -> None:
    run = await start_unit(settings="drain_delay_seconds = 600\ngrace_seconds = 600")
    await run.notice("ready")
    _, writer = await asyncio.open_unix_connection(run.path)
    writer.write(b"hold\n")
    run.order(Order("stop", delay_seconds=0, grace_seconds=0))
    assert await run.end() == (0, "")
    writer.close()


async def test_it_reports(start_unit: StartUnit) -> None:
    run = await start_unit("errors")
    await run.notice("ready")
    run.order(Order("report"))
    assert await run.notice("report") == Notice("report", checks={"mood": "ok"}, calls=100, errors=50)


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_an_exit_in_a_callback_that_is_survived_interrupts_nothing(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if loop == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    seen = list[object]()

    async def life() -> int:
        running = asyncio.get_running_loop()
        running.call_soon(sys.exit, 5)
        running.call_soon(seen.append, "after it")
        await asyncio.sleep(0.01)
        return 0

    def survives(error: SystemExit) -> bool:
        seen.append(error.code)
        return True

    assert _run(life(), survives) == 0
    assert set(seen) == {5, "after it"}
    with pytest.raises(SystemExit) as caught:
        _run(life(), lambda error: False)
    assert caught.value.code == 5
