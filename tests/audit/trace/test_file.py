"""Traces: made from the files of processes, written and read."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.audit.trace.file import Span, Trace, collect, read_trace, write_trace
from calve.core.errors import ConfigError

LINE = '{"kind": "transaction", "path": "a.py", "line": 1, "function": "f", "steps": [["write", "t"]], "runs": %d}\n'
SPAN = Span("transaction", "a.py", 1, "f", (("write", "t"),), 6)


def test_processes_are_added_up(tmp_path: Path) -> None:
    hello = '{"process": {"python": "3.12.1", "hooks": ["sqlalchemy"]}}\n'
    (tmp_path / "1-a.jsonl").write_text(hello + LINE % 1 + LINE % 2)
    (tmp_path / "2-b.jsonl").write_text(hello + LINE % 3 + '{"error": "KeyError"}\n' + LINE[:30])
    (tmp_path / "else.txt").write_text("no trace")
    assert collect(tmp_path, "abc") == Trace(
        head="abc", processes=2, hooks=["sqlalchemy"], errors={"KeyError": 1}, spans=[SPAN]
    )


def test_a_trace_is_kept(tmp_path: Path) -> None:
    trace = Trace(head="abc", processes=1, hooks=["django"], errors={}, spans=[SPAN])
    path = tmp_path / "new" / "trace.json"
    write_trace(path, trace)
    assert read_trace(path) == trace


@pytest.mark.parametrize(
    ("text", "error"),
    [("{", "is no trace: .*; record it again"), ('{"a": 1}', "is no trace"), (None, "cannot be read: No such file")],
)
def test_what_is_no_trace_is_said(tmp_path: Path, text: str | None, error: str) -> None:
    if text is not None:
        (tmp_path / "t.json").write_text(text)
    with pytest.raises(ConfigError, match=error):
        read_trace(tmp_path / "t.json")


def test_a_trace_of_another_version_is_said(tmp_path: Path) -> None:
    write_trace(tmp_path / "t.json", Trace(schema_version=9, head="", processes=0, hooks=[], errors={}, spans=[]))
    with pytest.raises(ConfigError, match="version 9, not 1"):
        read_trace(tmp_path / "t.json")


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_trace(tmp_path / "file" / "t.json", Trace(head="", processes=0, hooks=[], errors={}, spans=[]))
