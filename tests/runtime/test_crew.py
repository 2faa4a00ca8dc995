"""Replicas that come and go while the application runs, and what is refused."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from pathlib import Path

import pytest

from calve.runtime.endpoints import published_path, read_endpoints

from .asking import refusal, serves, status, told
from .conftest import PROJECT, Run, StartRun

FAST = "[rollout]\nwatch_seconds = 0\ndrain_delay_seconds = 0\n"


def places(root: Path, service: str) -> list[str]:
    """Names of the sockets at which a service is published."""
    return [Path(address.removeprefix("unix:")).stem for address in read_endpoints(published_path(root))[service]]


async def test_replicas_come_and_go(start_run: StartRun, tmp_path: Path) -> None:
    run = await start_run(settings=FAST)
    await run.line("shop is ready")
    assert await told(tmp_path, "scale", "goods", replicas=3) == [
        "goods.2 is ready and gets calls",
        "goods.3 is ready and gets calls",
        "goods has 3 replicas",
    ]
    assert places(tmp_path, "catalog") == ["goods", "goods.2", "goods.3"]
    paths = [await run.socket(name) for name in ("goods", "goods.2", "goods.3")]
    assert len({await serves(path) for path in paths}) == 3
    reader, writer = await asyncio.open_unix_connection(paths[2])
    writer.write(b"hold\n")
    assert await reader.readline() == b"holding\n"
    asked = asyncio.ensure_future(told(tmp_path, "scale", "goods", replicas=1))
    await run.line(r"goods\.2 has stopped")
    await run.line(r"goods\.3 gets no more calls and finishes those it has")
    assert places(tmp_path, "catalog") == ["goods"]
    writer.write(b"finish\n")
    assert await reader.readline() == b"done\n"
    writer.close()
    assert (await asked)[-1] == "goods has 1 replica"
    assert not os.path.exists(paths[1])  # noqa: ASYNC240  (in no time)
    assert await told(tmp_path, "scale", "goods", replicas=1) == ["goods has 1 replica"]
    run.signal(signal.SIGTERM)
    assert await run.end() == 0


async def test_replicas_of_a_unit_share_its_port_and_are_restarted_alone(start_run: StartRun, tmp_path: Path) -> None:
    run = await start_run(settings="[unit.goods]\nreplicas = 2\n[http]\nport = 0\n")
    first = (await run.line(r"goods\.1 is ready on (\S+)"))[1]
    assert (await run.line(r"goods\.2 is ready on (\S+)"))[1] == first
    await run.line("shop is ready")
    os.kill(await run.pid("goods.2"), signal.SIGKILL)
    await run.line(r"goods\.2 is ready", nth=2)
    found = {replica.name: replica for replica in (await status(tmp_path)).replicas}
    assert {name: replica.restarts for name, replica in found.items()} == {
        "money": 0, "goods.1": 0, "goods.2": 1, "front": 0,
    }  # fmt: skip
    assert found["goods.2"].pid == await run.pid("goods.2", nth=2)
    assert (found["goods.1"].state, found["goods.1"].services, found["goods.1"].http) == ("ready", ("catalog",), first)


async def test_a_new_replica_that_cannot_start_is_taken_back(start_run: StartRun, tmp_path: Path) -> None:
    run = await start_run(settings="ready_seconds = 2", FAKE_GOODS="second")
    await run.line("shop is ready")
    why, code = await refusal(tmp_path, "scale", "goods", replicas=2)
    assert code == 1
    assert why.startswith("goods.2 was not ready within 2 s")
    assert places(tmp_path, "catalog") == ["goods"]
    assert [replica.name for replica in (await status(tmp_path)).replicas] == ["money", "goods", "front"]


REFUSED = [
    ("rollout", ("goodz",), {}, "--unit: topology 'split' has no unit 'goodz'; did you mean 'goods'?"),
    ("scale", ("goodz",), {"replicas": 2}, "--unit: topology 'split' has no unit 'goodz'; did you mean 'goods'?"),
    ("scale", ("goods",), {"replicas": 0}, "goods cannot have 0 replicas; ask for 1 to 64"),
    ("scale", ("goods",), {"replicas": 65}, "goods cannot have 65 replicas; ask for 1 to 64"),
    (
        "scale",
        ("money",),
        {"replicas": 2},
        "money cannot have 2 replicas: the store of 'wallet' is a SQLite file, which one process owns;"
        " keep one replica, or move 'wallet' to a unit of its own",
    ),
]


async def test_what_cannot_be_is_refused_with_the_next_step(start_run: StartRun, tmp_path: Path) -> None:
    run = await start_run(FAKE_FILES_MONEY="wallet")
    await run.line("shop is ready")
    for do, units, details, reason in REFUSED:
        why, code = await refusal(tmp_path, do, *units, **details)
        assert code == 2
        assert why.startswith(reason)
    toml = tmp_path / "calve.toml"
    written = toml.read_text()
    toml.write_text(written.replace('front = ["orders"]\nmoney = ["wallet"]', 'front = ["orders", "wallet"]'))
    why, code = await refusal(tmp_path, "rollout")
    assert code == 2
    assert "spreads other services over topology 'split' than what runs; stop `calve run` and start it again" in why
    toml.write_text("[app")
    why, code = await refusal(tmp_path, "rollout")
    assert code == 2
    assert "calve.toml" in why


async def test_one_job_at_a_time_which_can_be_watched(start_run: StartRun, tmp_path: Path) -> None:
    run = await start_run(settings=FAST.replace("drain_delay_seconds = 0", "drain_delay_seconds = 0.5"))
    await run.line("shop is ready")
    assert await told(tmp_path, "watch") == ["nothing was rolled out or scaled in this run"]
    asked = asyncio.ensure_future(told(tmp_path, "rollout"))
    await run.line(r"money: process \d+ is ready")
    for do, details in (("rollout", {}), ("scale", {"replicas": 2})):
        assert await refusal(tmp_path, do, "goods", **details) == (
            "the rollout of money, goods, front is under way; wait for it: calve rollout --watch shows it",
            2,
        )
    assert (await status(tmp_path)).job == "rollout of money, goods, front"
    watched = asyncio.ensure_future(told(tmp_path, "watch"))
    said = await asked
    assert said[-1] == "front is rolled out"
    assert await watched == said
    assert await told(tmp_path, "watch") == said, "also when it is over"
    assert (await status(tmp_path)).job is None


async def test_a_job_goes_on_without_who_asked_for_it(start_run: StartRun, tmp_path: Path) -> None:
    run = await start_run(settings=FAST)
    await run.line("shop is ready")
    control = json.loads((tmp_path / ".calve" / "supervisor.json").read_text())["control"]
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(control)
        sock.sendall(b'{"calve": 1, "do": "rollout"}\n')
        sock.recv(1)
    await run.line("front is rolled out")


@pytest.mark.parametrize("port", ["taken"])
async def test_a_port_in_use_is_found_before_anything_starts(start_run: StartRun, port: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        run = await start_run(settings=f"[unit.money]\nhttp_port = {number}\n")
        assert await run.end() == 2
    line = PROJECT.count("\n") + 4
    assert run.lines == [
        f"error: {_toml(run)}:{line}: port {number} of 127.0.0.1 is in use;"
        " stop the process that has it, or set another port (0 picks a free one)"
    ]


def _toml(run: Run) -> str:
    return run.lines[-1].removeprefix("error: ").partition(":")[0]
