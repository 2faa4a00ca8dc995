"""`calve events`: against units that run for real, with an event that cannot be handled until somebody mends it."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

CLUB = Path(__file__).parents[2] / "examples" / "events"
REFUSE = """        if event.name.startswith("Eve"):
            raise ValueError("no letters for Eve")
"""
SECONDS = 60.0


class Club:
    """The example, split, with a postman who does not like everybody."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {**os.environ, "CALVE_HTTP_PORT": "0", "CALVE_EVENTS_ATTEMPTS_MAX": "2", "COLUMNS": "200"}

    def calve(self, *arguments: str, code: int = 0) -> str:
        """Run a command in its folder; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "calve", *arguments],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def until(self, text: str, *arguments: str) -> str:
        """Run a command until it prints something."""
        until = time.monotonic() + SECONDS
        while text not in (printed := self.calve(*arguments)):
            assert time.monotonic() < until, printed
        return printed


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Club]:
    """One application for all tests here."""
    folder = tmp_path_factory.mktemp("events") / "club"
    shutil.copytree(CLUB, folder)
    service = folder / "club" / "letters" / "service.py"
    text = service.read_text()
    marker = '        text = f"Welcome'
    assert marker in text
    service.write_text(text.replace(marker, REFUSE + marker))
    found = Club(folder)
    process = subprocess.Popen(
        [sys.executable, "-m", "calve", "run", "--topology", "split"],
        cwd=folder, env=found.environ, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        seen: list[str] = []
        while not any("is ready on" in line for line in seen):
            assert select.select([process.stderr], [], [], SECONDS)[0], seen
            seen.append(process.stderr.readline())
            assert seen[-1], seen
        os.set_blocking(process.stderr.fileno(), False)
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_what_is_parked_is_shown_mended_and_tried_again(club: Club) -> None:
    for name in ("Ada", "Eve", "Bob"):
        club.calve("call", "members.join", f"name={name}")
    listed = club.until("Eve", "events", "parked")
    assert "ValueError: no letters for Eve" in listed
    assert "Ada" not in listed
    row = club.until("letters", "events", "lag").splitlines()[3]
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["letters", "members", "3", "0", "1"]

    shown = club.calve("events", "show", "letters", "members", "Eve")
    assert shown.rstrip().endswith('0:2 Joined Eve {"name":"Eve","number":2}')
    club.calve("events", "retry", "letters", "members", "Eve")
    club.until(" 3 ", "events", "parked")  # attempts: it was tried once more, in vain

    error = club.calve("events", "edit", "letters", "members", "Eve", "--data", '{"name":7}', code=1)
    assert "name" in error
    mended = '{"name":"Yves","number":2}'
    assert '"name":"Eve"' in club.calve("events", "edit", "letters", "members", "Eve", "--data", mended)
    club.calve("events", "retry", "letters", "members", "Eve")
    assert "member 2" in club.until("Welcome, Yves", "call", "letters.box", "name=Yves")
    assert "Eve" not in club.calve("events", "parked")


def test_an_event_is_given_up(club: Club) -> None:
    club.calve("call", "members.join", "name=Eve 2")
    club.until("Eve 2", "events", "parked")
    assert "Eve 2" in club.calve("events", "drop", "letters", "members", "Eve 2")
    club.calve("events", "retry", "letters", "members", "Eve 2")
    until = time.monotonic() + SECONDS
    while "Eve 2" in club.calve("events", "parked"):
        assert time.monotonic() < until


def test_the_last_events_are_printed(club: Club) -> None:
    club.calve("call", "members.join", "name=Zoe")
    lines = club.calve("events", "tail", "members", "--last", "1").splitlines()
    assert len(lines) == 1
    assert '"name":"Zoe"' in lines[0]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["retry", "letters", "members", "Nobody"], 1, "no event of members with key 'Nobody' is parked"),
        (["retry", "leters", "members", "Eve"], 2, "did you mean 'letters'"),
        (["show", "members", "letters", "Eve"], 1, "members"),
        (["tail", "letters"], 1, "letters"),
    ],
)
def test_what_is_not_there_is_said(club: Club, arguments: list[str], code: int, text: str) -> None:
    error = club.calve("events", *arguments, code=code)
    assert text in error
    assert "Traceback" not in error


def test_an_application_that_does_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "club"
    shutil.copytree(CLUB, folder)
    assert "is not running here" in Club(folder).calve("events", "lag", code=2)
