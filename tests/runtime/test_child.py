"""One process under the supervisor."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import pytest
import pytest_asyncio

from calve.runtime.child import Child, calve_command, describe_exit
from calve.runtime.notify import Notice
from calve.runtime.output import Output, OutputOptions

from .conftest import PATIENCE_SECONDS, watched

NOTIFY = "import os, socket; s = socket.socket(fileno=int(os.environ['CALVE_NOTIFY_FD']))\n"
Spawn = Callable[..., Awaitable[Child]]


class Spy:
    """What children wrote and said."""

    def __init__(self) -> None:
        self.stdout, self.stderr, self.notices = io.BytesIO(), io.BytesIO(), asyncio.Queue[Notice]()
        self.output = Output(["unit"], self.stdout, self.stderr, OutputOptions())


@pytest.fixture
def spy() -> Spy:
    return Spy()


@pytest_asyncio.fixture
async def spawn(spy: Spy) -> AsyncIterator[Spawn]:
    """Start a Python program as a child; it is killed at the end of the test."""
    children: list[Child] = []

    async def start(program: str, *command: str) -> Child:
        command = command or (sys.executable, "-c", program)
        child = await Child.spawn("unit", command, dict(os.environ), spy.output, spy.notices.put_nowait)
        children.append(child)
        return child

    yield start
    for child in children:
        child.kill()
        await child.exited.wait()
        await child.close()
    spy.output.close()


async def ended(child: Child) -> int:
    await asyncio.wait_for(child.exited.wait(), PATIENCE_SECONDS)
    await child.close()
    return child.exit_code


async def test_what_it_writes_and_says_arrives_whole(spawn: Spawn, spy: Spy) -> None:
    many = 'for n in range(5000): s.sendall(b\'{"state":"starting","detail":"x"}\\n\')\n'
    child = await spawn(f"{NOTIFY}{many}print('out'); print('half', end=''); os.write(2, b'err\\n'); os._exit(3)")
    code = await ended(child)
    spy.output.close()
    assert (code, spy.stderr.getvalue()) == (3, b"err\n")
    assert spy.notices.qsize() == 5000


async def test_the_last_words_are_not_lost(spawn: Spawn, spy: Spy) -> None:
    child = await spawn(f'{NOTIFY}s.sendall(b\'{{"state":"failed","detail":"why"}}\\n\'); print(\'half\', end=\'\')')
    assert await ended(child) == 0
    assert child.failure == "why"
    spy.output.close()
    assert spy.stdout.getvalue() == b"half\n"


async def test_ready_comes_with_the_url(spawn: Spawn) -> None:
    line = b'{"state":"ready","http":"http://127.0.0.1:1"}\\n'
    child = await spawn(f"{NOTIFY}s.sendall(b'{line.decode()}'); import signal; signal.pause()")
    await asyncio.wait_for(child.ready.wait(), PATIENCE_SECONDS)
    assert child.http == "http://127.0.0.1:1"
    assert child.failure is None
    assert not child.exited.is_set()


async def test_it_is_in_a_session_of_its_own_and_reads_nothing(spawn: Spawn, spy: Spy) -> None:
    child = await spawn("import os, sys; print(os.getsid(0) == os.getpid(), repr(sys.stdin.read()))")
    await ended(child)
    spy.output.close()
    assert spy.stdout.getvalue() == b"True ''\n"


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only on Linux: watches another's children by pidfd")
async def test_killing_takes_along_what_it_started(spawn: Spawn, spy: Spy) -> None:
    program = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']);"
        f'{NOTIFY}s.sendall(b\'{{"state":"starting","detail":"%d"}}\\n\' % p.pid); p.wait()'
    )
    child = await spawn(program)
    notice = await asyncio.wait_for(spy.notices.get(), PATIENCE_SECONDS)
    with watched(int(notice.detail)) as wait_gone:
        child.kill()
        assert await ended(child) == -signal.SIGKILL
        await wait_gone()


async def test_stopping_one_that_is_gone_is_a_no_op(spawn: Spawn) -> None:
    child = await spawn("")
    await ended(child)
    for stop in (child.terminate, child.kill):
        stop()
        assert (child.exit_code, child.exited.is_set()) == (0, True)
    child.pause(True)
    child.pause(False)
    assert child.exit_code == 0


async def test_a_program_that_is_not_there_leaves_nothing_open(spawn: Spawn) -> None:
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(OSError, match="No such file"):
        await spawn("", "/nonexistent/program")
    assert len(os.listdir("/dev/fd")) == before


async def test_one_that_is_paused_is_not_read(spawn: Spawn) -> None:
    child = await spawn("import signal; signal.pause()")
    assert child._transport is not None
    pipes = [cast(asyncio.ReadTransport, child._transport.get_pipe_transport(fd)) for fd in (1, 2)]
    for pause in (True, False):
        child.pause(pause)
        assert [pipe.is_reading() for pipe in pipes] == [not pause, not pause]
    child.terminate()
    assert await ended(child) == -signal.SIGTERM


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1, "ended with exit code 1"),
        (0, "ended with exit code 0"),
        (-9, "was killed (SIGKILL)"),
        (-99, "was killed (signal 99)"),
    ],
)
def test_exits_in_words(code: int, text: str) -> None:
    assert describe_exit(code) == text


def test_a_unit_is_run_by_the_same_interpreter() -> None:
    command = calve_command("/project/calve.toml", "split", "money")
    assert command == [
        *(sys.executable, "-m", "calve", "run", "--config", "/project/calve.toml"),
        *("--topology", "split", "--unit", "money"),
    ]
