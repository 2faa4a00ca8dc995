"""SQLAlchemy: transactions of sessions and of connections, and every statement.

A session's transaction counts where there is one: a test suite often binds sessions to a connection whose transaction
it rolls back after each test, and that one is not the project's.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from .hooks import careful
from .record import Recorder, Span
from .starlette import current_request

_KEY = "calve"
"""In `Connection.info`: the Span of its transaction."""
_SESSION_KEY = "calve_session"
"""In `Connection.info` and `Session.info`: the Span of the session's transaction."""


def prepare_sqlalchemy(module: ModuleType, recorder: Recorder) -> None:
    """Listen to connections, and learn the names of tables."""
    listen: Any = sys.modules["sqlalchemy"].event.listen

    @careful(recorder)
    def begin(connection: Any) -> None:
        connection.info[_KEY] = Span("transaction", recorder.here(sys._getframe(2)))

    @careful(recorder)
    def end(connection: Any) -> None:
        span = connection.info.pop(_KEY, None)
        if span is not None:
            recorder.end(span)

    @careful(recorder)
    def execute(connection: Any, cursor: Any, statement: Any, *_: Any) -> None:
        info = connection.info
        span = info.get(_SESSION_KEY) or info.get(_KEY)
        request = current_request()
        if span is not None or request is not None:
            recorder.statement(statement, [span, request])

    @careful(recorder)
    def attach(table: Any, parent: Any) -> None:
        recorder.known.add(str(table.name).lower())

    listen(module.engine.Engine, "begin", begin)
    listen(module.engine.Engine, "commit", end)
    listen(module.engine.Engine, "rollback", end)
    listen(module.engine.Engine, "before_cursor_execute", _with_six_arguments(execute))
    listen(module.Table, "after_parent_attach", _with_two_arguments(attach))


def prepare_sqlalchemy_orm(module: ModuleType, recorder: Recorder) -> None:
    """Listen to sessions."""
    listen: Any = sys.modules["sqlalchemy"].event.listen

    @careful(recorder)
    def create(session: Any, transaction: Any) -> None:
        if transaction.parent is None:
            session.info[_SESSION_KEY] = Span("transaction", recorder.here(sys._getframe(2)))

    @careful(recorder)
    def begin(session: Any, transaction: Any, connection: Any) -> None:
        span = session.info.get(_SESSION_KEY)
        if span is not None:
            connection.info[_SESSION_KEY] = span
            session.info.setdefault("calve_connections", []).append(connection.info)

    @careful(recorder)
    def end(session: Any, transaction: Any) -> None:
        if transaction.parent is None:
            for info in session.info.pop("calve_connections", []):
                info.pop(_SESSION_KEY, None)
            span = session.info.pop(_SESSION_KEY, None)
            if span is not None:
                recorder.end(span)

    listen(module.Session, "after_transaction_create", _with_two_arguments(create))
    listen(module.Session, "after_begin", _with_three_arguments(begin))
    listen(module.Session, "after_transaction_end", _with_two_arguments(end))


# SQLAlchemy looks at the parameters of a listener to tell which form of an event it was written for.


def _with_two_arguments(function: Any) -> Any:
    return lambda a, b: function(a, b)


def _with_three_arguments(function: Any) -> Any:
    return lambda a, b, c: function(a, b, c)


def _with_six_arguments(function: Any) -> Any:
    return lambda a, b, c, d, e, f: function(a, b, c, d, e, f)
