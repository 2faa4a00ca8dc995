"""The control socket: versions, nonsense, and nobody there."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from calve.core.errors import CalveError, ConfigError
from calve.runtime.control import REQUEST_BYTES_MAX, Answer, ControlServer, Request, ask
from calve.runtime.endpoints import Published, SupervisorFile


async def handle(request: Request) -> AsyncIterator[Answer]:
    """Says what it is asked; what it does depends on the first unit."""
    yield Answer(say=f"{request.do} {','.join(request.units)} {request.environ}")
    if "config" in request.units:
        raise ConfigError("no", fix="do not")
    if "fail" in request.units:
        raise CalveError("in vain")
    if "hang up" not in request.units:
        yield Answer(done=True)


@pytest.fixture
async def served(short_tmp: Path, tmp_path: Path) -> AsyncIterator[Path]:
    """A server, and the root of the project it belongs to."""
    server = ControlServer(short_tmp / "control", handle)
    await server.start()
    Published(short_tmp, tmp_path).announce(SupervisorFile(os.getpid(), "split", str(short_tmp / "control")))
    yield tmp_path
    await server.close()


async def answers(root: Path, *units: str) -> list[Answer]:
    return await asyncio.to_thread(lambda: list(ask(root, Request("rollout", units=units, environ={"A": "b"}))))


async def test_answers_come_line_by_line(served: Path) -> None:
    assert await answers(served, "money") == [Answer(say="rollout money {'A': 'b'}"), Answer(done=True)]


@pytest.mark.parametrize(
    ("unit", "kind", "text"),
    [
        ("config", ConfigError, "no; do not"),
        ("fail", CalveError, "in vain"),
        ("hang up", CalveError, "the supervisor hung up; what was begun goes on: calve rollout --watch"),
    ],
)
async def test_errors_keep_their_exit_code(served: Path, unit: str, kind: type[CalveError], text: str) -> None:
    with pytest.raises(CalveError) as caught:
        await answers(served, unit)
    assert (type(caught.value), str(caught.value)) == (kind, text)


async def test_only_its_user_can_open_it(served: Path, short_tmp: Path) -> None:
    assert stat.S_IMODE((short_tmp / "control").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b'{"calve": 2, "do": "status"}\n', b"speaks version 2 of the control protocol, the supervisor version 1; run"),
        (b'{"do": "status"}\n', b"speaks version 0"),
        (b'{"calve": 1, "do": "explode"}\n', b"does not understand the request: Invalid enum value 'explode'"),
        (b"GET / HTTP/1.1\n", b"does not understand the request"),
        (b"\xff\n", b"does not understand the request"),
        (b"", b""),
        (b"x" * (REQUEST_BYTES_MAX + 1) + b"\n", b""),
    ],
)
async def test_nonsense_is_answered_or_dropped(served: Path, short_tmp: Path, line: bytes, answer: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(str(short_tmp / "control"))
    writer.write(line)
    writer.write_eof()
    try:
        assert answer in await reader.read()
    except ConnectionError:
        assert answer == b""
    writer.close()
    assert len(await answers(served)) == 2, "it serves on"


@pytest.mark.parametrize("left", [False, True], ids=["never", "left behind"])
def test_nobody_supervises(tmp_path: Path, short_tmp: Path, left: bool) -> None:
    if left:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(short_tmp / "control"))
        Published(short_tmp, tmp_path).announce(SupervisorFile(7, "split", str(short_tmp / "control")))
    with pytest.raises(ConfigError, match=r": no supervisor runs this project; start it: calve run$"):
        list(ask(tmp_path, Request("status")))
