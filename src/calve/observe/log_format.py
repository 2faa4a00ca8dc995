"""What a log line says, and its two forms.

    {"ts":"2026-01-31T12:00:00.123456Z","level":"info","logger":"shop.wallet","message":"debited","service":"wallet",
     "unit":"money","operation":"wallet.debit","trace_id":"…32 hex…","span_id":"…16 hex…",
     "fields":{"cents":42},"exception":{"type":"ValueError","message":"…","stack":"Traceback …"}}

    12:00:00.123 INFO    shop.wallet  debited  cents=42                          (console)

Keys that do not apply are left out. Whatever happens while a line is made, there is a line: a value that cannot be
encoded is replaced by its text, a text that cannot be had by a note. Line ends and control characters within a value
are escaped, so that nobody can forge lines or steer a terminal through one.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from ..core.context import current_call

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "asctime",
    "calve_fields",
    "calve_service",
    "message",
    "taskName",
}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BARE = re.compile(r'"([^\s"=\\]+)"')
_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}


def describe_record(record: logging.LogRecord) -> dict[str, Any]:
    """Everything about a line but its time, as in the JSON form; call it in the task that logs. Never raises."""
    described: dict[str, Any] = {
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": _message(record),
    }
    call = current_call()
    service = getattr(record, "calve_service", None)
    if service is None and call is not None and "." in call.operation:
        service = call.operation.split(".", 1)[0]
    if service is not None:
        described["service"] = service
    if call is not None:
        if call.operation:
            described["operation"] = call.operation
        trace = call.given_trace
        if trace is not None:
            described["trace_id"], described["span_id"] = f"{trace.trace_id:032x}", f"{trace.span_id:016x}"
    fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    fields.update(getattr(record, "calve_fields", {}))
    if fields:
        described["fields"] = fields
    if record.exc_info and record.exc_info[1] is not None:
        described["exception"] = _exception(record.exc_info[1], with_stack=record.exc_info[2] is not None)
    if record.stack_info:
        described["stack"] = record.stack_info
    return described


def encode(value: Any, split: int = 2) -> bytes:
    """JSON for anything; never raises. What JSON does not know is written as its text.

    Args: split: So many levels of dict are taken apart to save what can be encoded when something in them cannot.
    """
    try:
        return _encoder.encode(value)
    except Exception:  # noqa: BLE001  (anything at all may go wrong in a foreign object, down to RecursionError)
        if split and isinstance(value, dict):
            items = list(value.items())
            return _encoder.encode({text(name): msgspec.Raw(encode(item, split - 1)) for name, item in items})
        return _encoder.encode(text(value))


def text(value: Any) -> str:
    """`str(value)`, or a note of why there is none; always valid Unicode."""
    try:
        return str(value).encode("utf-8", "backslashreplace").decode()
    except Exception as error:  # noqa: BLE001  (see `encode`)
        return f"<{type(value).__name__} that has no text: {type(error).__name__}>"


_encoder = msgspec.json.Encoder(enc_hook=text)


class JsonFormatter(logging.Formatter):
    """One JSON object a line. Args: unit: Name of the unit, in every line if given."""

    def __init__(self, unit: str | None = None) -> None:
        super().__init__()
        self._unit = {"unit": unit} if unit is not None else {}

    def format(self, record: logging.LogRecord) -> str:
        """See the module."""
        stamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return encode({"ts": stamp, **describe_record(record), **self._unit}).decode()


class ConsoleFormatter(logging.Formatter):
    """One line for people, in local time, followed by the stack of an exception if there is one."""

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        """See the module."""
        line = describe_record(record)
        level: str = line["level"]
        stamp = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S.%f")[:-3]
        parts = [
            self._paint(stamp, "2"),
            self._paint(f"{level.upper():7}", _COLOURS.get(level, "")),
            f"{line['logger']} ",
            printable(line["message"]),
        ]
        fields: dict[str, Any] = line.get("fields", {})
        exception: dict[str, str] = line.get("exception", {})
        if fields:
            parts += [self._paint(f" {printable(name)}=", "2") + _value(value) for name, value in fields.items()]
        if exception:
            parts.append(printable(f"({exception['type']}: {exception['message']})"))
        lines = [" ".join(parts)]
        lines += [printable(block, lines=True) for block in (exception.get("stack"), line.get("stack")) if block]
        return "\n".join(lines)

    def _paint(self, part: str, code: str) -> str:
        return f"\x1b[{code}m{part}\x1b[0m" if self._colour and code else part


def printable(value: str, *, lines: bool = False) -> str:
    """Text with its control characters escaped; line ends and tabs are kept if `lines`."""
    escaped = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text(value))
    return escaped if lines else escaped.replace("\n", "\\n").replace("\t", "\\t")


def _value(value: Any) -> str:
    """As JSON, but what reads well without quotes has none."""
    shown = encode(value, 1).decode()
    bare = _BARE.fullmatch(shown)
    return printable(bare[1] if bare else shown)


def _message(record: logging.LogRecord) -> str:
    try:
        return text(record.getMessage())
    except Exception:  # noqa: BLE001  (arguments that do not fit the message; both are worth having)
        return f"{text(record.msg)} {text(record.args)}"


def _exception(error: BaseException, *, with_stack: bool) -> Mapping[str, str]:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    described = {"type": name, "message": text(error)}
    if with_stack:
        described["stack"] = text("".join(traceback.format_exception(error)).rstrip())
    return described
