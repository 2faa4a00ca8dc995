"""The output of several processes on one terminal."""

from __future__ import annotations

import io
import json
import os
import threading
from datetime import UTC, datetime
from typing import BinaryIO, Literal, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calve.runtime.output import BACKLOG_BYTES_HIGH, LINE_BYTES_MAX, OWN, Lines, Output, OutputOptions, wants_colour

from .conftest import PATIENCE_SECONDS

PLAIN = OutputOptions()


def written(names: list[str], *lines: tuple[str, int, bytes], options: OutputOptions = PLAIN) -> bytes:
    both = io.BytesIO()
    output = Output(names, both, both, options)
    for line in lines:
        output.line(*line)
    output.close()
    return both.getvalue()


def test_lines_are_labelled_and_aligned() -> None:
    text = written(["front", "money.2"], ("front", 1, b"a"), ("money.2", 2, b"b\r"), (OWN, 2, b"c"))
    assert text == b"front   | a\nmoney.2 | b\ncalve   | c\n"


def test_the_lines_of_one_process_have_no_label() -> None:
    assert written(["shop"], ("shop", 1, b"a"), (OWN, 2, b"b")) == b"a\ncalve | b\n"


def test_labels_are_coloured_apart() -> None:
    text = written(
        ["front", "money"], ("front", 1, b"a"), ("money", 1, b"b"), (OWN, 2, b"c"), options=OutputOptions(colour=True)
    )
    assert text == b"\x1b[36mfront |\x1b[0m a\n\x1b[33mmoney |\x1b[0m b\n\x1b[1mcalve |\x1b[0m c\n"


def test_records_for_machines_are_labelled_for_people_only() -> None:
    line = ("front", 1, b'{"level": "info"}')
    assert written(["front", "money"], line) == b'{"level": "info"}\n'
    assert written(["front", "money"], line, options=OutputOptions(terminal=True)) == b'front | {"level": "info"}\n'


def test_both_outputs_stay_apart() -> None:
    stdout, stderr = io.BytesIO(), io.BytesIO()
    output = Output(["shop"], stdout, stderr, PLAIN)
    output.line("shop", 1, b"out")
    output.line("shop", 2, b"err")
    output.say("own")
    output.close()
    assert stdout.getvalue() == b"out\n"
    assert stderr.getvalue() == b"err\ncalve | own\n"


def test_the_supervisor_speaks_as_its_units_do() -> None:
    stderr = io.BytesIO()
    output = Output(["a", "b"], stderr, stderr, OutputOptions(json=True))
    output.say("a is ready")
    output.say('a was "killed"', "warning")
    output.close()
    first, second = map(json.loads, stderr.getvalue().splitlines())
    assert datetime.fromisoformat(first.pop("ts")).tzinfo is UTC
    assert first == {"level": "info", "logger": "calve.supervisor", "message": "a is ready"}
    assert (second["level"], second["message"]) == ("warning", 'a was "killed"')


def test_a_reader_who_stalls_blocks_nobody_and_loses_nothing() -> None:
    read_end, write_end = os.pipe()
    changes: list[bool] = []
    emptied = threading.Event()

    def note(full: bool) -> None:
        changes.append(full)
        if not full:
            emptied.set()

    with open(read_end, "rb") as reader, open(write_end, "wb") as writer:
        output = Output(["shop"], writer, writer, PLAIN)
        output.on_backlog = note
        line, count = b"x" * 1023, 2 * BACKLOG_BYTES_HIGH // 1024
        for _ in range(count):
            output.line("shop", 1, line)
        assert output.full
        assert changes == [True]
        for _ in range(count):
            assert reader.readline() == line + b"\n"
        assert emptied.wait(PATIENCE_SECONDS)
        assert changes == [True, False]
        assert not output.full
        output.close()


def test_a_reader_who_is_gone_is_no_error() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    stderr = io.BytesIO()
    with open(write_end, "wb", buffering=0) as stdout:
        output = Output(["shop"], cast(BinaryIO, stdout), stderr, PLAIN)
        output.line("shop", 1, b"unread")
        output.line("shop", 1, b"unread")
        output.line("shop", 2, b"read")
        output.close()
    assert stderr.getvalue() == b"read\n"


@given(st.binary(max_size=200), st.integers(1, 9))
def test_lines_are_whole_however_they_arrive(data: bytes, size: int) -> None:
    lines, found = Lines(), []
    for start in range(0, len(data), size):
        found += lines.feed(data[start : start + size])
    found += lines.flush()
    assert b"\n".join(found) == data.removesuffix(b"\n")
    assert lines.flush() == []


def test_an_endless_line_is_cut() -> None:
    lines = Lines()
    found = lines.feed(b"x" * (2 * LINE_BYTES_MAX + 5))
    assert [len(line) for line in found] == [LINE_BYTES_MAX, LINE_BYTES_MAX]
    assert lines.flush() == [b"x" * 5]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "colour"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)]
)
def test_colour_is_for_terminals_that_want_it(environ: dict[str, str], colour: bool) -> None:
    assert wants_colour(Terminal(), environ) is colour
    assert not wants_colour(io.StringIO(), environ)


@pytest.mark.parametrize(
    ("log_format", "on_terminal", "off_terminal"),
    [("auto", False, True), ("console", False, False), ("json", True, True)],
)
def test_the_form_of_own_lines_follows_the_setting(
    log_format: Literal["auto", "console", "json"], on_terminal: bool, off_terminal: bool
) -> None:
    on, off = OutputOptions.choose(log_format, Terminal()), OutputOptions.choose(log_format, io.StringIO())
    assert (on.json, off.json) == (on_terminal, off_terminal)
    assert (on.terminal, off.terminal, off.colour) == (True, False, False)
