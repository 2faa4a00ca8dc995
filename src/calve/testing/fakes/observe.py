"""Fakes beside the ports of the observe room: tracing that keeps its spans in a list, and logs that are kept as data.

tracing = RecordingTracing()                         with CapturedLogs() as logs:
… make calls …                                           await wallet.debit(...)
assert tracing.span("wallet/debit").failed               assert logs.line("debited").fields == {"cents": 42}
"""

from __future__ import annotations

import logging
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any

import msgspec

from ...core.trace import TraceContext
from ...observe import Sampler, SpanKind, Tracing
from ...observe.log_format import describe_record


class RecordedSpan:
    """A span that was made, ended or not. See `calve.observe.Span` for the methods."""

    def __init__(self, name: str, kind: SpanKind, trace: TraceContext, parent: TraceContext | None) -> None:
        self.name = name
        """`service/operation`."""
        self.kind, self.trace, self.parent = kind, trace, parent
        self.ended = self.failed = False
        self.error_type: str | None = None
        self._token: Token[RecordedSpan | None] | None = None

    def enter(self) -> None:
        """Make it current."""
        self._token = _innermost.set(self)

    def leave(self) -> None:
        """Undo `enter`."""
        token, self._token = self._token, None
        if token is not None:
            try:
                _innermost.reset(token)
            except ValueError:  # ended in another task
                return

    def rename(self, service: str, operation: str) -> None:
        """Change the name."""
        self.name = f"{service}/{operation}"

    def end(self, error_type: str | None, *, failed: bool) -> None:
        """Note the outcome."""
        assert not self.ended, f"{self.name} ended twice"
        self.leave()
        self.ended, self.error_type, self.failed = True, error_type, failed

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} {self.error_type or ('ok' if self.ended else 'in progress')}>"


_innermost: ContextVar[RecordedSpan | None] = ContextVar("calve_recorded_span", default=None)


class _Recorder:
    def __init__(self) -> None:
        self.spans: list[RecordedSpan] = []

    def current(self, parent: TraceContext | None) -> TraceContext | None:
        span = _innermost.get()
        if span is None or span not in self.spans or (parent is not None and parent.remote):
            return parent
        if parent is None or parent.undecided or parent.trace_id == span.trace.trace_id:
            return span.trace
        return parent

    def start(
        self, service: str, operation: str, kind: SpanKind, parent: TraceContext | None, trace_id: int
    ) -> RecordedSpan:
        own = TraceContext.root().span_id
        trace = TraceContext(trace_id, own, sampled=True, state=parent.state if parent is not None else "")
        span = RecordedSpan(f"{service}/{operation}", kind, trace, parent)
        self.spans.append(span)
        span.enter()
        return span

    async def close(self, timeout_seconds: float) -> None:
        return None


class RecordingTracing(Tracing):
    """Tracing without OpenTelemetry, for assertions.

    Args: sampler: Samples every call unless given.
    """

    def __init__(self, sampler: Sampler | None = None) -> None:
        self._kept = _Recorder()
        super().__init__(sampler or Sampler.of(1.0), self._kept)

    @property
    def spans(self) -> list[RecordedSpan]:
        """Every span so far, in the order they began."""
        return self._kept.spans

    def span(self, name: str) -> RecordedSpan:
        """The one span called `service/operation`; fails when there is none or more than one."""
        found = [span for span in self.spans if span.name == name]
        assert len(found) == 1, f"{len(found)} spans {name!r} among {self.spans}"
        return found[0]


class CapturedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A log line as data: what the JSON form has, without the time."""

    level: str
    logger: str
    message: str
    service: str | None = None
    operation: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    fields: dict[str, Any] = {}
    exception: dict[str, str] = {}
    stack: str | None = None


class CapturedLogs(logging.Handler):
    """A context manager that keeps every line logged inside it, whatever the level."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[CapturedLine] = []
        self._root = logging.getLogger()
        self._level_before = self._root.level

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler.emit`."""
        self.lines.append(CapturedLine(**describe_record(record)))

    def line(self, message: str) -> CapturedLine:
        """The one line with this message; fails when there is none or more than one."""
        found = [line for line in self.lines if line.message == message]
        assert len(found) == 1, f"{len(found)} lines {message!r} among {[line.message for line in self.lines]}"
        return found[0]

    def __enter__(self) -> CapturedLogs:
        self._level_before = self._root.level
        self._root.addHandler(self)
        self._root.setLevel(logging.DEBUG)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._root.removeHandler(self)
        self._root.setLevel(self._level_before)
