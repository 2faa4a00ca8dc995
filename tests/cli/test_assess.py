"""`calve assess`: questions at a terminal, from a pipe and from a file."""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from audit_projects import DJANGO, write

from calve.audit.judging.answers import QUESTIONS, Answers, read_answers, write_answers
from calve.cli import main

PATIENCE_SECONDS = 60.0
ALL = "12\n3\nyes\n2\n1\n5\n1\nyes\nyes\nno\nshop.orders\nnone\nno\n"
"""Answers in the order of the questions."""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shop on Django, the current folder; what was read is kept for this test only."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = write(tmp_path / "shop", DJANGO)
    monkeypatch.chdir(root)
    return root


def _type(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_answers_come_from_a_pipe_and_are_kept(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _type(monkeypatch, ALL)
    assert main(["assess", "--write", "calve-assess.toml"]) == 0
    shown = capsys.readouterr().out
    assert "names, or none; the largest: shop.orders, shop.reports" in shown
    assert "+ shop.orders must scale, fail or be secured apart" in shown
    assert "Do not split: a simple application" in shown
    said = read_answers(shop / "calve-assess.toml")
    assert (said.team_size, said.teams_wait, said.rapid_provisioning, said.scale_apart, said.strict_acid) == (
        12,
        True,
        False,
        ["shop.orders"],
        [],
    )
    assert main(["audit"]) == 0  # which finds the file


def test_what_is_not_said_stays_as_it_was(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_answers(shop / "calve-assess.toml", Answers(team_size=5, teams=2, on_call=True))
    _type(monkeypatch, "\n?\n")  # as before; not known; then nothing more
    assert main(["assess", "--write", "calve-assess.toml"]) == 0
    assert read_answers(shop / "calve-assess.toml") == Answers(team_size=5, on_call=True)


def test_a_suggestion_counts_only_when_somebody_agrees(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "shop" / "metrics.py").write_text("import prometheus_client\n")
    _type(monkeypatch, "")
    assert main(["assess", "--write", "none.toml"]) == 0
    assert read_answers(Path("none.toml")) == Answers()
    _type(monkeypatch, "\n" * len(QUESTIONS))
    assert main(["assess", "--write", "some.toml"]) == 0
    assert "monitoring [yes, see shop/metrics.py]: " in capsys.readouterr().out
    assert read_answers(Path("some.toml")) == Answers(monitoring=True)


def test_a_file_is_taken_without_questions(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_answers(shop / "mine.toml", Answers(team_size=3))
    assert main(["assess", ".", "--answers", "mine.toml"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Do not split: a simple application")
    assert "  - a small team: 3 people" in shown


@pytest.mark.parametrize(
    ("typed", "arguments", "error"),
    [
        ("12\nsome\n", [], "standard input, line 2: 'some' is no answer to teams"),
        ("", ["--answers", "no.toml"], "no.toml: cannot be read"),
        ("", ["--write", "shop/settings.py"], "shop/settings.py: holds something else"),
        ("", ["--write", "nowhere/a.toml"], "nowhere/a.toml: cannot be written: there is no such folder"),
        ("", ["nowhere"], "nowhere does not exist"),
    ],
)
def test_what_cannot_be_is_one_line_of_error(
    shop: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    arguments: list[str],
    error: str,
) -> None:
    _type(monkeypatch, typed)
    assert main(["assess", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"calve: error: {error}")
    assert said.count("\n") == 1


class _Terminal:
    """`calve assess` at a terminal of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        # Whoever started the tests in the background has let them ignore Ctrl-C, and a child would inherit that.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "calve", "assess", *arguments],
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env={**os.environ, "TERM": "dumb"},
        )
        signal.signal(signal.SIGINT, before)
        os.close(theirs)
        self.shown = ""

    def wait_for(self, text: str) -> None:
        """Read until a text has been shown."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self.shown:
            assert select.select([self._ours], [], [], max(0.0, deadline - time.monotonic()))[0], self.shown
            try:
                self.shown += os.read(self._ours, 4096).decode()
            except OSError:  # it has ended
                raise AssertionError(self.shown) from None

    def interrupt(self, text: str) -> None:
        """Press Ctrl-C until a text has been shown: one press can come just before the prompt begins to wait."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            self.process.send_signal(signal.SIGINT)
            if select.select([self._ours], [], [], 1.0)[0]:
                with suppress(OSError):  # it has ended
                    self.shown += os.read(self._ours, 4096).decode()

    def type(self, text: str) -> None:
        """As if somebody typed it."""
        os.write(self._ours, text.encode())

    def __enter__(self) -> _Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


def test_at_a_terminal_a_wrong_answer_is_asked_again_and_ctrl_c_writes_nothing(shop: Path) -> None:
    with _Terminal(shop, "--write", "a.toml") as terminal:
        terminal.wait_for("team_size: ")
        terminal.type("lots\n")
        terminal.wait_for("'lots' is no answer; say a whole number")
        terminal.type("12\n")
        terminal.wait_for("teams: ")
        terminal.interrupt("nothing was written")
        assert terminal.process.wait(PATIENCE_SECONDS) == 130
    assert not (shop / "a.toml").exists()


def test_at_a_terminal_the_answers_are_kept_when_wanted(shop: Path) -> None:
    with _Terminal(shop) as terminal:
        for question, answer in zip(QUESTIONS, ALL.splitlines(), strict=True):
            terminal.wait_for(f"{question.name}: ")
            terminal.type(answer + "\n")
        terminal.wait_for("where `calve audit` reads them? [yes]: ")
        terminal.type("\n")
        terminal.wait_for("What would change the verdict")
        assert terminal.process.wait(PATIENCE_SECONDS) == 0
    assert read_answers(shop / "calve-assess.toml").team_size == 12
