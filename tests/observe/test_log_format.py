"""What a line says, in JSON and for people; and that there is a line whatever happens."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import pytest

from calve.core.context import CallContext, _current, call_options
from calve.core.secret import Secret
from calve.core.trace import TraceContext
from calve.observe.log_format import ConsoleFormatter, JsonFormatter, text


@contextmanager
def inside(context: CallContext) -> Iterator[None]:
    token = _current.set(context)
    yield
    _current.reset(token)


def record(
    message: object = "debited", *args: object, level: int = logging.INFO, exc_info: Any = None, **extra: Any
) -> logging.LogRecord:
    return logging.getLogger("shop.wallet").makeRecord(
        "shop.wallet", level, __file__, 1, message, args, exc_info, extra=extra or None
    )


def as_json(line: logging.LogRecord, unit: str | None = None) -> dict[str, Any]:
    formatted = JsonFormatter(unit).format(line)
    assert "\n" not in formatted
    decoded: dict[str, Any] = json.loads(formatted)
    return decoded


def as_text(line: logging.LogRecord, *, colour: bool = False) -> str:
    return ConsoleFormatter(colour=colour).format(line)


def test_a_plain_line_has_time_level_logger_and_message() -> None:
    line = record("took %d ms", 3)
    line.created = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC).timestamp()
    assert as_json(line) == {
        "ts": "2026-01-31T12:00:00.123456Z",
        "level": "info",
        "logger": "shop.wallet",
        "message": "took 3 ms",
    }


def test_unit_service_and_fields() -> None:
    line = as_json(record(calve_service="wallet", calve_fields={"cents": 42}), unit="money")
    assert (line["unit"], line["service"], line["fields"]) == ("money", "wallet", {"cents": 42})


def test_extra_of_other_libraries_becomes_fields() -> None:
    line = record(rows=3)
    line.taskName = "t"  # which Python sets from 3.12 on
    assert as_json(line)["fields"] == {"rows": 3}


def test_a_line_within_a_call_names_it_and_its_trace() -> None:
    with inside(CallContext("wallet.debit", trace=TraceContext(0xAB, 0xCD))):
        line = as_json(record())
    assert (line["operation"], line["service"]) == ("wallet.debit", "wallet")
    assert (line["trace_id"], line["span_id"]) == ("ab".rjust(32, "0"), "cd".rjust(16, "0"))


def test_a_line_never_starts_a_trace_and_an_entry_point_has_no_operation() -> None:
    with call_options() as context:
        line = as_json(record())
    assert not {"operation", "service", "trace_id", "span_id"} & line.keys()
    assert context.given_trace is None


def test_an_exception_is_taken_apart() -> None:
    try:
        raise ValueError("no\ncents")
    except ValueError:
        exception = as_json(record(exc_info=sys.exc_info()))["exception"]
    assert (exception["type"], exception["message"]) == ("ValueError", "no\ncents")
    assert exception["stack"].startswith("Traceback (most recent call last)")


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    password: Secret


class Owner(msgspec.Struct):
    name: str
    token: Secret


def test_values_keep_their_shape_and_the_rest_becomes_text() -> None:
    uuid = UUID(int=1)
    fields = {
        "uuid": uuid,
        "cents": Decimal("1.10"),
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "colour": Colour.RED,
        "tags": {"a"},
        "lock": threading.Lock,
        "error": KeyError("x"),
        "nan": float("nan"),
        "nothing": None,
    }
    assert as_json(record(calve_fields=fields))["fields"] == {
        "uuid": str(uuid),
        "cents": "1.10",
        "at": "2026-01-01T00:00:00Z",
        "colour": "red",
        "tags": ["a"],
        "lock": str(threading.Lock),
        "error": "'x'",
        "nan": None,
        "nothing": None,
    }


SECRET = "s3cr3t-value"


@pytest.mark.parametrize(
    "value",
    [
        Secret(SECRET),
        [Secret(SECRET)],
        {"password": Secret(SECRET)},
        {Secret(SECRET): 1},
        {("a", Secret(SECRET)): object()},
        Point(1, Secret(SECRET)),
        Owner("a", Secret(SECRET)),
        ValueError(Secret(SECRET)),
    ],
)
def test_secrets_are_masked_wherever_they_sit(value: object) -> None:
    for line in (
        record(calve_fields={"v": value}),
        record("connecting with %s", value),
        record(dsn=value),
        record(value),
    ):
        for formatted in (JsonFormatter().format(line), as_text(line)):
            assert SECRET not in formatted
            assert "***" in formatted


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no text for you")

    __repr__ = __str__


class HostileError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text for you")


def circular() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


def circular_dict() -> dict[str, Any]:
    loop: dict[str, Any] = {}
    loop["again"] = loop
    return loop


def deep() -> Any:
    value: Any = 0
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        Hostile(),
        circular(),
        {"a": circular()},
        circular_dict(),
        deep(),
        2**70,
        "\udc80",
        {"\udc80": 1},
        {None: 1},
        {(1, 2): 3},
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_there_is_a_line_whatever_the_value(value: object) -> None:
    for line in (
        record(calve_fields={"bad": value, "good": 1}),
        record("%s", value),
        record(value),
        record("two %s %s", value),
        record(bad=value, good=1),
    ):
        as_text(line)
        decoded = as_json(line)
        assert decoded["logger"] == "shop.wallet"
        assert decoded.get("fields", {"good": 1})["good"] == 1


def test_a_value_without_a_text_says_so() -> None:
    assert text(Hostile()) == "<Hostile that has no text: RuntimeError>"
    assert as_json(record(calve_fields={"bad": Hostile()}))["fields"]["bad"] == text(Hostile())


def test_an_exception_without_a_text_still_shows_its_stack() -> None:
    try:
        raise HostileError
    except HostileError:
        line = record(exc_info=sys.exc_info())
    exception = as_json(line)["exception"]
    assert exception["type"].endswith("HostileError")
    assert "test_log_format.py" in exception["stack"]
    assert "HostileError" in as_text(line)


def test_arguments_that_do_not_fit_the_message_are_both_shown() -> None:
    assert as_json(record("took %d ms", "long"))["message"] == "took %d ms ('long',)"


def test_console_line() -> None:
    fields = {"cents": 42, "name": "Ann Lee", "id": UUID(int=7), "flag": True, "items": [1, "a"], "empty": ""}
    line = as_text(record(calve_fields=fields, level=logging.WARNING))
    assert line[12:] == (
        ' WARNING shop.wallet  debited  cents=42  name="Ann Lee"  id=00000000-0000-0000-0000-000000000007'
        '  flag=true  items=[1,"a"]  empty=""'
    )
    assert datetime.strptime(line[:12], "%H:%M:%S.%f")


def test_console_shows_exceptions_with_and_without_stack() -> None:
    try:
        raise ValueError("no cents")
    except ValueError as error:
        brief, full = as_text(record(exc_info=(ValueError, error, None))), as_text(record(exc_info=sys.exc_info()))
    assert brief.endswith("debited (ValueError: no cents)")
    assert full.startswith(brief[:9])
    assert full.endswith("ValueError: no cents")
    assert "Traceback (most recent call last):\n" in full


def test_a_value_can_neither_forge_a_line_nor_steer_a_terminal() -> None:
    evil = "x\n12:00:00.000 ERROR  fake\r\x1b[2J\x9b2J\x00\x7f"
    for line in (record(evil), record(calve_fields={"v": evil}), record(calve_fields={evil: 1}), record("%s", evil)):
        shown = as_text(line)
        assert len(shown.splitlines()) == 1
        assert not set(shown) & set("\x1b\x9b\r\x00\x7f")
        assert len(JsonFormatter().format(line).split("\n")) == 1


def test_colour_is_only_there_when_asked_for() -> None:
    line = record(calve_fields={"cents": 42}, level=logging.ERROR)
    assert "\x1b[" not in as_text(line)
    assert "\x1b[31mERROR  \x1b[0m" in as_text(line, colour=True)
