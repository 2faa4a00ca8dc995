"""Rollouts with fake units: who serves when, and what happens when the new process is sick in every way."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path

import pytest

from .asking import refusal, serves, told
from .conftest import StartRun

FAST = "[rollout]\nwatch_seconds = 0.1\ndrain_delay_seconds = 0\nhandover_seconds = 2\n"
REPLICAS = "[unit.goods]\nreplicas = 2\n"


async def held(path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A call in flight."""
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"hold\n")
    assert await reader.readline() == b"holding\n"
    return reader, writer


async def test_a_unit_is_replaced_and_finishes_its_calls(start_run: StartRun, tmp_path: Path) -> None:
    run = await start_run(settings=FAST)
    await run.line("shop is ready")
    path, old = await run.socket("money"), await run.pid("money")
    reader, writer = await held(path)
    asked = asyncio.ensure_future(told(tmp_path, "rollout", "money"))
    new = await run.pid("money", nth=2)
    await run.line(r"money \| drains in state draining")
    assert await serves(path) == new, "the old one takes no calls"
    assert not asked.done(), "a call runs"
    writer.write(b"finish\n")
    assert await reader.readline() == b"done\n"
    writer.close()
    said = await asked
    assert said[-1] == "money is rolled out"
    assert said[0].startswith(f"money: process {new} is ready after ")
    with pytest.raises(ProcessLookupError):
        os.kill(old, 0)
    assert "front: importing services" in "".join(run.lines)
    assert len([line for line in run.lines if "front: importing" in line]) == 1, "others are left alone"


async def test_a_new_process_is_watched_over_and_restarted_as_the_old_one_was(
    start_run: StartRun, tmp_path: Path
) -> None:
    run = await start_run(settings=FAST)
    await run.line("shop is ready")
    await told(tmp_path, "rollout", "money", environ={"FAKE_FILES_MONEY": "wallet"})
    os.kill(await run.pid("money", nth=2), signal.SIGKILL)
    await run.line(r"money was killed \(SIGKILL\); restarting in")
    assert await serves(await run.socket("money")) == await run.pid("money", nth=3)
    assert "cannot have 2 replicas" in (await refusal(tmp_path, "scale", "money", replicas=2))[0], (
        "it kept the variable"
    )


async def test_files_are_handed_over(start_run: StartRun, tmp_path: Path) -> None:
    run = await start_run(settings=FAST, FAKE_FILES_MONEY="wallet")
    await run.line("shop is ready")
    path, old = await run.socket("money"), await run.pid("money")
    reader, writer = await held(path)
    asked = asyncio.ensure_future(told(tmp_path, "rollout", "money"))
    await run.line(rf"money: process \d+ stands by; process {old} hands over")
    await run.line(r"money \| drains")
    waiting, waits = await asyncio.open_unix_connection(path)  # queued: nobody accepts now
    assert len([line for line in run.lines if "money | pid" in line]) == 1, "the new one waits for the old one's files"
    waits.write(b"hold\n")
    writer.write(b"finish\n")
    assert await reader.readline() == b"done\n"
    assert await waiting.readline() == b"holding\n"
    assert await run.pid("money", nth=2) != old
    for stream in (writer, waits):
        stream.close()
    assert (await asked)[-1] == "money is rolled out"


SICK = {
    "crash": "the new process ended with exit code 1",
    "config": "calve.toml:7: the moon is in the way; wait a fortnight",
    "moody": r"the new process fails its checks \(mood: ValueError\)",
    "errors": "the new process failed 50 of 100 calls",
    "mortal": "the new process ended with exit code 232",
}
LATE = {
    "lazy": "the new process was not checked within 2 s",
    "slow": r"the new process was not (ready within (0\.5|2) s|checked within 2 s)",
}
"""These wait for the limit, so theirs is short."""


@pytest.mark.parametrize(
    ("faults", "limits"),
    [
        (SICK, FAST.replace("handover_seconds = 2", "handover_seconds = 30").replace("= 0.1", "= 0.5")),
        (LATE, "ready_seconds = 2\n" + FAST.replace("handover_seconds = 2", "handover_seconds = 0.5")),
    ],
    ids=["sick", "late"],
)
@pytest.mark.parametrize("files", ["", "wallet"], ids=["shared", "files"])
async def test_a_sick_process_is_taken_back(
    start_run: StartRun, tmp_path: Path, files: str, faults: dict[str, str], limits: str
) -> None:
    run = await start_run(settings=limits, FAKE_FILES_MONEY=files)
    await run.line("shop is ready")
    path, old = await run.socket("money"), await run.pid("money")
    for fault, reason in faults.items():
        why, code = await refusal(tmp_path, "rollout", environ={"FAKE_MONEY": fault})
        assert code == 1
        assert re.fullmatch(rf"money: {reason}; money is rolled back; not begun: goods, front", why), why
        assert await serves(path) == old, fault
    if faults is SICK:
        await told(tmp_path, "rollout", "money")
        assert await serves(path) != old, "and a sound one takes its place afterwards"


async def test_replicas_that_were_done_go_back_too(start_run: StartRun, tmp_path: Path) -> None:
    run = await start_run(settings=f"{FAST}{REPLICAS}", FAKE_GOODS="")
    await run.line("shop is ready")
    olds = [await run.pid(f"goods.{n}") for n in (1, 2)]
    (tmp_path / "started").unlink(missing_ok=True)
    why, _ = await refusal(tmp_path, "rollout", "goods", environ={"FAKE_GOODS": "second"})
    assert why.startswith("goods.2: the new process ended with exit code 1; goods is rolled back")
    assert [await serves(await run.socket(f"goods.{n}")) for n in (1, 2)] == olds
    await run.line(rf"goods\.1: process {olds[0]} serves on")


async def test_an_old_process_that_cannot_open_again_says_why_and_is_started_anew(
    start_run: StartRun, tmp_path: Path
) -> None:
    run = await start_run(settings=FAST, FAKE_MONEY="astray", FAKE_FILES_MONEY="wallet")
    await run.line("shop is ready")
    why, code = await refusal(tmp_path, "rollout", "money", environ={"FAKE_MONEY": "crash"})
    assert (code, why) == (
        1,
        "money: the new process ended with exit code 1; money cannot go back and is started anew:"
        " 0002_x.sql was applied, but the file is not there; restore it",
    )
    assert await serves(await run.socket("money")) == await run.pid("money", nth=2)


async def test_an_old_process_that_does_not_let_go_is_killed(start_run: StartRun, tmp_path: Path) -> None:
    run = await start_run(settings="grace_seconds = 0.1\n" + FAST.replace("= 2\n", "= 0.3\n"), FAKE_MONEY="clingy")
    await run.line("shop is ready")
    said = await told(tmp_path, "rollout", "money", environ={"FAKE_MONEY": ""})
    assert any("did not let go" in line for line in said)
    assert said[-1] == "money is rolled out"
    assert await serves(await run.socket("money")) == await run.pid("money", nth=2)


async def test_a_stop_ends_a_rollout(start_run: StartRun, tmp_path: Path) -> None:
    run = await start_run(settings=f"ready_seconds = 600\n{FAST}")
    await run.line("shop is ready")
    asked = asyncio.ensure_future(refusal(tmp_path, "rollout", "money", environ={"FAKE_MONEY": "slow"}))
    await run.line("never gets ready")
    run.signal(signal.SIGTERM)
    assert await run.end() == 0
    assert await asked == ("the run is stopping", 1)


async def test_a_replica_that_is_not_ready_is_not_rolled_out(start_run: StartRun, tmp_path: Path) -> None:
    run = await start_run(settings=FAST, FAKE_MONEY="slow")
    await run.line("never gets ready")
    why, code = await refusal(tmp_path, "rollout", "money")
    assert (code, why) == (
        1,
        "money: it is not ready itself; wait until it is, or see its log; money is rolled back",
    )
