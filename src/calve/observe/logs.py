"""Logs: structured lines over the standard library's logging, so that everything else's logging joins them.

    log.info("order placed", order_id=order.id, cents=order.total)      services, by an injected Logger
    logging.getLogger("x").warning("slow: %s", query)                    libraries
        └─> root logger ──> one handler ──> JSON lines or console text (log_format.py)
                                   └──────> OTLP (otel_logs.py), if configured

A line is written in the task that logs, so the call it belongs to (operation, trace and span id) is known without any
filter.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Mapping
from typing import Any, Literal, TextIO

from ..core.errors import ConfigError
from ..core.suggest import did_you_mean
from .log_format import ConsoleFormatter, JsonFormatter

LogFormat = Literal["auto", "json", "console"]

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
# Lines of the caller, not of this module: _emit and the method of the level lie between.
_STACK_LEVEL = 3


class Logger:
    """What a service gets when its constructor asks for a `Logger`.

    Messages are plain text and never formatted; everything that varies is a field. A value that JSON does not know is
    written as `str(value)`, so a Secret shows its mask.

    Args:
        name: Name of the standard logger beneath, such as the module of the service.
        service: Service whose lines these are; shown as `service`.
        fields: Go with every line.
    """

    __slots__ = ("_fields", "_logger", "_service")

    def __init__(self, name: str, *, service: str | None = None, fields: Mapping[str, Any] | None = None) -> None:
        self._logger, self._service = logging.getLogger(name), service
        self._fields: dict[str, Any] = dict(fields or {})

    def bind(self, **fields: Any) -> Logger:
        """A logger whose lines have these fields, too; this one stays as it is."""
        return Logger(self._logger.name, service=self._service, fields={**self._fields, **fields})

    def debug(self, message: str, /, **fields: Any) -> None:
        """Something only its author wants to know."""
        self._emit(logging.DEBUG, message, None, fields)

    def info(self, message: str, /, **fields: Any) -> None:
        """Something happened as it should."""
        self._emit(logging.INFO, message, None, fields)

    def warning(self, message: str, /, *, error: BaseException | None = None, **fields: Any) -> None:
        """Something is wrong and was coped with. Args: as for `error`."""
        self._emit(logging.WARNING, message, _without_stack(error), fields)

    def error(self, message: str, /, *, error: BaseException | None = None, **fields: Any) -> None:
        """Something failed.

        Args:
            message: What, without values.
            error: Its type and text go with the line, its stack does not (see `exception`).
            fields: The values.
        """
        self._emit(logging.ERROR, message, _without_stack(error), fields)

    def exception(self, message: str, /, *, error: BaseException | None = None, **fields: Any) -> None:
        """Something failed that nobody foresaw: an `error` line with the stack of `error` or of what is handled."""
        error = error if error is not None else sys.exc_info()[1]
        self._emit(logging.ERROR, message, error and (type(error), error, error.__traceback__), fields)

    def _emit(self, level: int, message: str, exc_info: Any, fields: dict[str, Any]) -> None:
        if self._logger.isEnabledFor(level):
            extra = {"calve_service": self._service, "calve_fields": {**self._fields, **fields}}
            self._logger.log(level, message, exc_info=exc_info, extra=extra, stacklevel=_STACK_LEVEL)


def _without_stack(error: BaseException | None) -> Any:
    return error and (type(error), error, None)


class LogSetup:
    """What `configure_logging` changed; `close()` undoes it. A context manager, too."""

    def __init__(self, handler: logging.Handler, level: int) -> None:
        self._root, self._handler = logging.getLogger(), handler
        self._level, self._showwarning = self._root.level, warnings.showwarning
        self._root.addHandler(handler)
        self._root.setLevel(level)
        warnings.showwarning = self._log_warning

    def close(self) -> None:
        """Put logging back as it was; idempotent."""
        if self._handler in self._root.handlers:
            self._root.removeHandler(self._handler)
            self._root.setLevel(self._level)
            warnings.showwarning = self._showwarning
            self._handler.close()

    def _log_warning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        """What Python calls to print a warning; one that is meant for a certain file still goes there."""
        if file is not None:
            return self._showwarning(message, category, filename, lineno, file, line)
        fields = {"category": category.__name__, "file": filename, "line": lineno}
        logging.getLogger("py.warnings").warning("%s", message, extra={"calve_fields": fields})
        return None

    def __enter__(self) -> LogSetup:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def configure_logging(
    level: str = "info",
    format: LogFormat = "auto",  # noqa: A002
    *,
    unit: str | None = None,
    stream: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
) -> LogSetup:
    """Write all logging of this process to a stream, and Python's warnings with it.

    Args:
        level: debug, info, warning or error; less important lines are dropped.
        format: `json` is one object a line, `console` is for people, `auto` is console on a terminal, else json.
        unit: Name of the unit, shown in every JSON line.
        stream: Where to; standard error by default, because standard output belongs to the answers of commands.
        environ: Where NO_COLOR, FORCE_COLOR and TERM are read; the process's own by default.
    Returns: the handle that undoes it.
    Raises: ConfigError: unknown level or format.
    """
    _check("level", level.lower(), _LEVELS)
    _check("format", format, ("auto", "json", "console"))
    stream = sys.stderr if stream is None else stream
    terminal = stream.isatty()
    formatter: logging.Formatter
    if format == "json" or (format == "auto" and not terminal):
        formatter = JsonFormatter(unit)
    else:
        formatter = ConsoleFormatter(colour=_colour(terminal, os.environ if environ is None else environ))
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    return LogSetup(handler, _LEVELS[level.lower()])


def _check(what: str, name: str, known: Any) -> None:
    if name not in known:
        raise ConfigError(f"there is no log {what} {name!r}", where=f"log.{what}", fix=did_you_mean(name, known))


def _colour(terminal: bool, environ: Mapping[str, str]) -> bool:
    """NO_COLOR wins, then FORCE_COLOR, then whether it is a terminal that knows colours (no-color.org)."""
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or (terminal and environ.get("TERM") != "dumb")
