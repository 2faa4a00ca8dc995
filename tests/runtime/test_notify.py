"""The line between supervisor and unit."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.runtime.notify import FD_VARIABLE, LineReader, Notice, Notifier

from .conftest import PATIENCE_SECONDS


@pytest.fixture
def pair() -> tuple[socket.socket, Notifier]:
    ours, theirs = socket.socketpair()
    environ = {FD_VARIABLE: str(os.dup(theirs.fileno()))}
    theirs.close()
    notifier = Notifier.take(environ)
    assert environ == {}, "children of the unit would see it"
    return ours, notifier


def test_what_is_sent_arrives(pair: tuple[socket.socket, Notifier]) -> None:
    ours, notifier = pair
    assert notifier.supervised
    notices = [Notice("starting", "opening"), Notice("ready", http="http://127.0.0.1:8000"), Notice("draining")]
    for notice in notices:
        notifier.send(notice)
    data = ours.recv(65536)
    assert data.startswith(b'{"state":"starting","detail":"opening"}\n')
    assert LineReader(Notice).feed(data) == notices
    ours.close()
    notifier.close()


def test_a_supervisor_that_is_gone_is_no_error(pair: tuple[socket.socket, Notifier]) -> None:
    ours, notifier = pair
    ours.close()
    notifier.send(Notice("ready"))
    notifier.send(Notice("ready"))
    notifier.close()


def test_without_a_supervisor_nothing_happens() -> None:
    notifier = Notifier.take({})
    assert not notifier.supervised
    notifier.send(Notice("ready"))
    notifier.watch_supervisor(0)
    notifier.close()


@given(st.lists(st.text(), max_size=5), st.integers(1, 7))
def test_notices_are_whole_however_they_arrive(details: list[str], size: int) -> None:
    data = b"".join(b'{"state":"starting"}\nnonsense\n\xff\n' for _ in details)
    reader, found = LineReader(Notice), []
    for start in range(0, len(data), size):
        found += reader.feed(data[start : start + size])
    assert found == [Notice("starting")] * len(details)


def test_a_line_without_end_is_not_kept_for_ever() -> None:
    reader = LineReader(Notice)
    for _ in range(100):
        reader.feed(b"x" * 10_000)
    assert len(reader._buffer) <= LineReader.LINE_BYTES_MAX
    assert reader.feed(b'\n{"state":"ready"}\n') == [Notice("ready")]


@pytest.mark.parametrize(
    ("prepare", "wait", "code"),
    [
        ("pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])", "sigwait([signal.SIGTERM]); sys.exit(7)", 7),
        ("signal(signal.SIGTERM, signal.SIG_IGN)", "sigwait([signal.SIGUSR1])", 1),
    ],
    ids=["asked", "ended"],
)
def test_the_end_of_the_supervisor_ends_the_unit(prepare: str, wait: str, code: int) -> None:
    ours, theirs = socket.socketpair()
    program = (
        f"import os, signal, sys; signal.{prepare}\n"
        "from calve.runtime.notify import Notifier\n"
        "notifier = Notifier.take(os.environ)\n"
        "notifier.watch_supervisor(0.1)\n"
        f"print('up', flush=True); signal.{wait}\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, FD_VARIABLE: str(theirs.fileno())},
        pass_fds=[theirs.fileno()],
        stdout=subprocess.PIPE,
    )
    theirs.close()
    assert child.stdout is not None
    with child, child.stdout:
        assert child.stdout.readline() == b"up\n"
        ours.send(b"x")  # something unexpected is not the end
        assert child.poll() is None
        ours.close()
        assert child.wait(PATIENCE_SECONDS) == code
