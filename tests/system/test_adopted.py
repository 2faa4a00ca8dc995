"""Adopted applications that misbehave, in real processes: they fork, block the loop, exit, and leave tasks behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from .conftest import PATIENCE_SECONDS, Running, calve_run, request, until

TOML = """\
[app]
name = "shop"
services = ["book"]
[service.legacy]
asgi = "legacy:app"
calls = ["book"]
[service.old]
wsgi = "old:app"
mount = "/old"
[http]
port = 0
[run]
loop_blocked_seconds = 0.05
"""

BOOK = '''
"""A service with a store."""
from typing import Protocol
from calve import Contract, Store, command, query

class Book(Contract, Protocol, version="1.0"):
    """Notes."""

    @command(http="POST /notes")
    async def note(self, text: str) -> int: ...

class BookService(Book):
    def __init__(self, store: Store) -> None:
        self._store = store

    async def note(self, text: str) -> int:
        async with self._store.transaction() as tx:
            await tx.execute("INSERT INTO note (text) VALUES (:text)", text=text)
            return await tx.one("SELECT count(*) FROM note", int)
'''

LEGACY = '''
"""Does everything one should not do."""
import asyncio, multiprocessing, os, signal, sys, time
import calve
from book import Book

book = calve.stub(Book)

async def answer(send, text):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": str(text).encode()})

async def fork_and_come_back(send):
    pid = os.fork()
    if pid == 0:
        await asyncio.sleep(0)        # the child goes back to the loop
        await book.note("twice")
    await answer(send, pid)

async def fork_and_linger(send):
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    await answer(send, pid)

async def multiply(send):
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=queue.put, args=(6 * 7,))
    child.start()
    found = await asyncio.to_thread(queue.get)
    await asyncio.to_thread(child.join)
    await answer(send, f"{found} {child.exitcode}")

async def block_until_told(send):
    while not os.path.exists("unblock"):
        time.sleep(0.01)
    await answer(send, "done")

async def leak(send):
    async def poll_for_ever():
        await asyncio.Event().wait()
    asyncio.create_task(poll_for_ever())
    await answer(send, "leaked")

async def leave(send):
    sys.exit(3)

async def leave_in_a_task(send):
    async def goodbye():
        sys.exit(4)
    asyncio.create_task(goodbye())
    await answer(send, "soon")

async def leave_in_a_callback(send):
    asyncio.get_running_loop().call_soon(sys.exit, 5)
    await answer(send, "soon")

PATHS = {"/leave-in-a-callback": leave_in_a_callback,
         "/come-back": fork_and_come_back, "/linger": fork_and_linger, "/multiply": multiply,
         "/block": block_until_told, "/leak": leak, "/leave": leave, "/leave-in-a-task": leave_in_a_task}

async def app(scope, receive, send):
    if scope["type"] == "http":
        await PATHS[scope["path"]](send)
    else:
        raise ValueError("no lifespan")
'''

OLD = '''
"""Forks in a thread, and the child comes back to serve."""
import os

def app(environ, start_response):
    pid = os.fork()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(pid).encode()]
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project."""
    folder = tmp_path_factory.mktemp("adopted")
    for name, text in {"calve.toml": TOML, "book.py": BOOK, "legacy.py": LEGACY, "old.py": OLD}.items():
        (folder / name).write_text(text)
    (folder / "schema").mkdir()
    (folder / "schema" / "0001_notes.sql").write_text("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT) STRICT;")
    return folder


@pytest.fixture(scope="module")
def running(folder: Path, short_tmp: Path) -> Iterator[Running]:
    """One process with all of it."""
    with calve_run(folder, short_tmp, "--unit", "shop", CALVE_WIRE_LISTEN=f"unix:{short_tmp}/w.sock") as running:
        running.line('"ready"')
        yield running


@pytest.fixture(scope="module")
def url(running: Running) -> str:
    """Where it serves."""
    found: str = json.loads(running.line('"ready"').string)["fields"]["url"]
    return found


def notes(url: str) -> Any:
    """Write a note; proves that the store and everything before it works. Returns: how many there are."""
    return request(f"{url}/notes", "POST", {"text": "x"}).json()


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def log_of(running: Running, message: str) -> Any:
    """The fields of a line of the log."""
    return json.loads(running.line(f'"{message}').string)["fields"]


@pytest.mark.parametrize("path", ["/come-back", "/old/x"])
def test_a_fork_that_comes_back_to_serve_is_ended(running: Running, url: str, path: str) -> None:
    before = notes(url)
    child = int(request(url + path).body)
    until(lambda: gone(child), "the end of the fork")
    running.line("calve: a process forked from this unit came back to serve")
    assert notes(url) == before + 1, "the fork wrote nothing"
    place = log_of(running, "a process was forked from this unit")["place"]
    assert Path(place.partition(":")[0]).name in ("legacy.py", "old.py")


def test_a_fork_may_do_its_work_and_end(running: Running, url: str) -> None:
    assert request(f"{url}/multiply").body == b"42 0"
    assert notes(url) > 0


def test_ending_a_fork_does_not_end_the_unit(running: Running, url: str) -> None:
    child = int(request(f"{url}/linger").body)
    os.kill(child, signal.SIGTERM)
    until(lambda: gone(child), "the end of the fork")
    assert notes(url) > 0
    assert running.process.poll() is None


@pytest.mark.parametrize(
    ("path", "status", "line"),
    [
        ("/leave", 500, r"it called sys\.exit\(3\)"),
        ("/leave-in-a-task", 200, r"it called sys\.exit\(4\)"),
        ("/leave-in-a-callback", 200, r"called sys\.exit in a callback of the loop; the unit goes on"),
    ],
)
def test_an_exit_ends_nothing_but_itself(running: Running, url: str, path: str, status: int, line: str) -> None:
    assert request(url + path).status == status
    running.line(line)
    assert notes(url) > 0
    assert running.process.poll() is None


def test_who_blocks_the_loop_is_named(running: Running, url: str, folder: Path) -> None:
    blocked = threading.Thread(target=request, args=(f"{url}/block",))
    blocked.start()
    # Not the first such line: on a busy machine others are blocked that long, too.
    fields = json.loads(running.line('"the event loop is blocked.*block_until_told').string)["fields"]
    (folder / "unblock").touch()
    blocked.join()
    assert fields["culprit"] == "legacy"
    assert "in block_until_told" in fields["place"]
    assert "legacy.py" in fields["stack"]
    assert log_of(running, "the event loop runs again")["blocked_seconds"] > 0
    metrics = request(f"{url}/metrics").body.decode()
    assert "calve_loop_blocked_total" in metrics
    assert "calve_loop_lag_seconds" in metrics


def test_a_fork_that_outlives_the_unit_has_nothing_of_it(
    running: Running, url: str, folder: Path, short_tmp: Path
) -> None:
    assert request(f"{url}/leak").status == 200
    child = int(request(f"{url}/linger").body)
    running.terminate()
    assert running.process.wait(PATIENCE_SECONDS) == 0  # not `stop`: the fork still has the pipes
    assert "poll_for_ever" in log_of(running, "tasks were still running when the application stopped")["tasks"]
    try:
        assert not gone(child)
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", urlsplit(url).port))
            taken.listen()
        with calve_run(folder, short_tmp, "--unit", "shop") as again:
            again.line('"ready"')
            assert again.stop() == 0
    finally:
        os.kill(child, signal.SIGKILL)
