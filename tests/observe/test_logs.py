"""The injected logger, and setting logging up and back."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Mapping
from typing import Any

import pytest

from calve.core.errors import ConfigError
from calve.observe import Logger, configure_logging
from calve.observe.logs import LogFormat
from calve.testing.fakes.observe import CapturedLogs


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_levels_fields_and_service() -> None:
    log = Logger("shop.wallet", service="wallet")
    with CapturedLogs() as logs:
        log.debug("a")
        log.info("b", cents=42)
        log.warning("c")
        log.error("d")
    assert [(line.level, line.message) for line in logs.lines] == [
        ("debug", "a"),
        ("info", "b"),
        ("warning", "c"),
        ("error", "d"),
    ]
    line = logs.line("b")
    assert (line.logger, line.service, line.fields) == ("shop.wallet", "wallet", {"cents": 42})


def test_any_name_will_do_for_a_field() -> None:
    fields: dict[str, Any] = {"name": 1, "args": 2, "msg": 3, "level": 4, "exc_info": 5, "extra": 6, "stacklevel": 7}
    with CapturedLogs() as logs:
        Logger("shop").info("placed", **fields)
    assert logs.line("placed").fields == fields


def test_messages_are_not_formatted() -> None:
    with CapturedLogs() as logs:
        Logger("shop").info("100 % of {everything} is %s")
    assert logs.lines[0].message == "100 % of {everything} is %s"


def test_bind_adds_to_a_logger_of_its_own() -> None:
    log = Logger("shop", service="orders", fields={"a": 1})
    bound = log.bind(b=2)
    with CapturedLogs() as logs:
        bound.info("bound", b=3)
        log.info("plain")
    assert logs.line("bound").fields == {"a": 1, "b": 3}
    assert logs.line("bound").service == "orders"
    assert logs.line("plain").fields == {"a": 1}


def test_an_error_goes_with_the_line_and_only_exception_brings_the_stack() -> None:
    log = Logger("shop")
    with CapturedLogs() as logs:
        try:
            raise ValueError("no cents")
        except ValueError as error:
            log.warning("brief", error=error)
            log.error("also brief", error=error)
            log.exception("full", error=error)
            log.exception("full without being told")
        log.exception("nothing to tell")
    assert logs.line("brief").exception == {"type": "ValueError", "message": "no cents"}
    assert logs.line("also brief").exception == logs.line("brief").exception
    for message in ("full", "full without being told"):
        assert "raise ValueError" in logs.line(message).exception["stack"]
    assert logs.line("nothing to tell").exception == {}


def test_the_line_is_attributed_to_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Logger("shop").info("here")
    assert caplog.records[0].funcName == "test_the_line_is_attributed_to_the_caller"


def test_a_level_that_is_off_costs_no_record() -> None:
    stream = io.StringIO()
    with configure_logging("warning", "json", stream=stream):
        Logger("shop").info("quiet")
        Logger("shop").warning("loud")
    assert [line["message"] for line in lines(stream)] == ["loud"]


def test_other_libraries_and_warnings_join() -> None:
    stream = io.StringIO()
    with configure_logging("info", "json", unit="money", stream=stream):
        logging.getLogger("library").info("took %d ms", 3)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old", DeprecationWarning, stacklevel=1)
    library, warning = lines(stream)
    assert (library["logger"], library["message"], library["unit"]) == ("library", "took 3 ms", "money")
    assert (warning["logger"], warning["level"], warning["message"]) == ("py.warnings", "warning", "old")
    assert warning["fields"]["category"] == "DeprecationWarning"
    assert warning["fields"]["file"] == __file__


def test_a_warning_meant_for_a_file_goes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, file, shown = io.StringIO(), io.StringIO(), list[tuple[object, ...]]()
    monkeypatch.setattr(warnings, "showwarning", lambda *args: shown.append(args))
    with configure_logging("info", "json", stream=stream):
        warnings.showwarning("old", DeprecationWarning, "a.py", 1, file)
    assert stream.getvalue() == ""
    assert shown == [("old", DeprecationWarning, "a.py", 1, file, None)]


def test_close_puts_everything_back() -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers), warnings.showwarning)
    setup = configure_logging("debug", "json", stream=io.StringIO())
    assert (root.level, list(root.handlers), warnings.showwarning) != before
    setup.close()
    setup.close()
    assert (root.level, list(root.handlers), warnings.showwarning) == before


@pytest.mark.parametrize(
    ("format", "terminal", "is_json"),
    [("auto", True, False), ("auto", False, True), ("json", True, True), ("console", False, False)],
)
def test_format(format: LogFormat, terminal: bool, is_json: bool) -> None:  # noqa: A002
    stream = Terminal() if terminal else io.StringIO()
    with configure_logging("info", format, stream=stream, environ={}):
        Logger("shop").info("placed")
    assert stream.getvalue().startswith("{") is is_json


@pytest.mark.parametrize(
    ("environ", "terminal", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour(environ: Mapping[str, str], terminal: bool, coloured: bool) -> None:
    stream = Terminal() if terminal else io.StringIO()
    with configure_logging("info", "console", stream=stream, environ=environ):
        Logger("shop").info("placed")
    assert ("\x1b[" in stream.getvalue()) is coloured


def test_an_unknown_level_or_format_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"log.level: there is no log level 'wraning'; did you mean 'warning'"):
        configure_logging("wraning")
    with pytest.raises(ConfigError, match=r"log.format: there is no log format 'jsn'; did you mean 'json'"):
        configure_logging(format="jsn")  # type: ignore[arg-type]


def test_a_stream_that_is_gone_does_not_reach_the_application(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    with configure_logging("info", "json", stream=stream):
        stream.close()
        Logger("shop").info("placed")
    assert "closed file" in capsys.readouterr().err
