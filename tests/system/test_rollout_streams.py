"""Streams that are open while their unit is rolled out: they end as they should inside of the grace, or with an error.

A stream cannot be handed on (decision 0020): only the operation knows where it would go on.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from .conftest import PATIENCE_SECONDS, Running, calve_run, environment

TOML = """\
[app]
name = "till"
services = ["till.purse", "till.desk"]

[topology.split]
front = ["desk"]
money = ["purse"]

[http]
port = 0

[run]
grace_seconds = 2

[rollout]
watch_seconds = 0
drain_delay_seconds = 0
"""

PURSE = '''
"""Gives signs of life until a file is there."""
import asyncio
import os
from collections.abc import AsyncIterator
from typing import Protocol
from calve import Contract, query

class Purse(Contract, Protocol, version="1.0"):
    """Signs of life."""

    @query(http="GET /purse")
    def ticks(self, end: str) -> AsyncIterator[int]:
        """The process, once at the beginning and once when the file `end` is there."""
        ...

class PurseService(Purse):
    async def ticks(self, end: str) -> AsyncIterator[int]:
        yield os.getpid()
        while not os.path.exists(end):
            await asyncio.sleep(0.01)
        yield os.getpid()
'''

DESK = '''
"""Hands on what the purse gives."""
import os
from collections.abc import AsyncIterator
from typing import Protocol
from calve import Contract, query
from till.purse import Purse

class Desk(Contract, Protocol, version="1.0"):
    """What the purse gives."""

    @query(http="GET /desk")
    def ticks(self, end: str) -> AsyncIterator[int]:
        """Those of the purse, each after the process of the desk."""
        ...

class DeskService(Desk):
    def __init__(self, purse: Purse) -> None:
        self._purse = purse

    async def ticks(self, end: str) -> AsyncIterator[int]:
        async for pid in self._purse.ticks(end):
            yield os.getpid()
            yield pid
'''


@pytest.fixture(scope="module")
def till(tmp_path_factory: pytest.TempPathFactory, short_tmp: Path) -> Iterator[tuple[Running, Path]]:
    """A unit with a stream, and one that hands it on."""
    folder = tmp_path_factory.mktemp("streams")
    (folder / "till").mkdir()
    for name, text in (("__init__.py", ""), ("purse.py", PURSE), ("desk.py", DESK)):
        (folder / "till" / name).write_text(text)
    (folder / "calve.toml").write_text(TOML)
    with calve_run(folder, short_tmp, "--topology", "split") as running:
        running.line("till is ready")
        yield running, folder
        assert running.stop() == 0


class Stream:
    """An open stream of the desk, by its server-sent events."""

    def __init__(self, url: str, end: Path) -> None:
        where = urlsplit(url)
        assert where.hostname is not None
        self._connection = http.client.HTTPConnection(where.hostname, where.port, timeout=PATIENCE_SECONDS)
        self._connection.request("GET", f"/desk?end={end}")
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200

    def next(self) -> tuple[str, Any]:
        """The next event. Returns: its kind, `message` for an item, and its data; `eof` when it was cut off."""
        kind, data = "message", ""
        while line := self._answer.readline().decode():
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "event":
                kind = value
            elif field == "data":
                data += value
            elif not field and (data or kind != "message"):
                return kind, json.loads(data) if data else None
        return "eof", None

    def close(self) -> None:
        """Hang up."""
        self._answer.close()
        self._connection.close()


def start_rollout(folder: Path, unit: str) -> subprocess.Popen[str]:
    """`calve rollout UNIT`, to be read while it runs."""
    command = [sys.executable, "-m", "calve", "rollout", unit]
    return subprocess.Popen(
        command, cwd=folder, env=environment(PYTHONUNBUFFERED="1"), stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("unit", ["money", "front"])
def test_a_stream_ends_as_it_should_inside_of_the_grace_or_with_an_error(
    till: tuple[Running, Path], unit: str, tmp_path: Path
) -> None:
    running, folder = till
    url = running.url("front")
    old = [running.pid("front"), running.pid("money")]
    with contextlib.ExitStack() as stack:
        short, endless = (stack.enter_context(closing(Stream(url, tmp_path / name))) for name in ("short", "endless"))
        for stream in (short, endless):
            assert [stream.next(), stream.next()] == [("message", pid) for pid in old]
        rollout = stack.enter_context(start_rollout(folder, unit))
        assert rollout.stdout is not None
        next(line for line in rollout.stdout if "is ready after" in line)  # so the old one is told to let go
        (tmp_path / "short").touch()
        assert [short.next(), short.next()] == [("message", pid) for pid in old]
        assert (short.next()[0], short.next()[0]) == ("end", "eof")
        kind, problem = endless.next()
        assert (kind, problem["code"], problem["status"]) == ("error", "unavailable", 503)
        assert endless.next()[0] == "eof"
        assert rollout.wait(PATIENCE_SECONDS) == 0
    new = [running.pid("front"), running.pid("money")]
    assert [pid in old for pid in new] == [unit == "money", unit == "front"]
    with closing(Stream(url, tmp_path / "short")) as again:
        assert [again.next(), again.next()] == [("message", pid) for pid in new]
