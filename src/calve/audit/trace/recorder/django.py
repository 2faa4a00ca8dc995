"""Django: outermost atomic blocks, requests, and every statement of a connection.

The block that `TestCase` puts around a test is not the project's: it is passed over, or every test would be one
transaction.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from .hooks import careful, with_care
from .record import NOWHERE, Recorder, Span

_request: ContextVar[Span | None] = ContextVar("calve_request", default=None)
_BLOCKS = "_calve_blocks"
"""Attribute of a connection: the blocks that are open, innermost last; a Span for the outermost, None for the others
and for those of TestCase."""


def prepare_django_db_transaction(module: ModuleType, recorder: Recorder) -> None:
    """Listen to the beginning and end of blocks."""
    enter, leave = module.Atomic.__enter__, module.Atomic.__exit__

    def begin(atomic: Any) -> None:
        blocks = _blocks(module.get_connection(atomic.using))
        caller = sys._getframe(3)
        outermost = caller.f_code.co_name != "_enter_atomics" and not any(blocks)
        blocks.append(Span("transaction", recorder.here(caller)) if outermost else None)

    def end(atomic: Any) -> None:
        blocks = _blocks(module.get_connection(atomic.using))
        span = blocks.pop() if blocks else None
        if span is not None:
            recorder.end(span)

    def __enter__(self: Any) -> Any:  # noqa: N807
        result = enter(self)
        with_care(recorder, begin, self)
        return result

    def __exit__(self: Any, *failure: Any) -> Any:  # noqa: N807
        try:
            return leave(self, *failure)
        finally:
            with_care(recorder, end, self)

    module.Atomic.__enter__, module.Atomic.__exit__ = __enter__, __exit__


def prepare_django_db_backends_signals(module: ModuleType, recorder: Recorder) -> None:
    """Listen to the statements of every connection."""

    def wrapper(execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any) -> Any:
        with_care(recorder, note, sql, context["connection"])
        return execute(sql, params, many, context)

    def note(sql: Any, connection: Any) -> None:
        outermost = next((span for span in _blocks(connection) if span is not None), None)
        request = _request.get()
        if outermost is not None or request is not None:
            recorder.statement(sql, [outermost, request])

    @careful(recorder)
    def connected(connection: Any) -> None:
        # In front: whoever uses `connection.execute_wrapper` takes away the last.
        if wrapper not in connection.execute_wrappers:
            connection.execute_wrappers.insert(0, wrapper)

    def receiver(sender: Any, connection: Any, **_: Any) -> None:
        connected(connection)

    module.connection_created.connect(receiver, weak=False, dispatch_uid="calve")
    recorder.refresh.append(lambda: _learn_tables(recorder))


def prepare_django_core_handlers_base(module: ModuleType, recorder: Recorder) -> None:
    """Listen to the beginning and end of requests."""
    handler = module.BaseHandler
    answer: Any = handler.get_response
    answer_async: Any = getattr(handler, "get_response_async", None)

    @careful(recorder)
    def end(request: Any, span: Span) -> None:
        match = getattr(request, "resolver_match", None)
        span.where = recorder.of(match.func) if match is not None else NOWHERE
        recorder.end(span)

    def get_response(self: Any, request: Any) -> Any:
        span = Span("request", NOWHERE)
        token = _request.set(span)
        try:
            return answer(self, request)
        finally:
            _request.reset(token)
            end(request, span)

    async def get_response_async(self: Any, request: Any) -> Any:
        span = Span("request", NOWHERE)
        token = _request.set(span)
        try:
            return await answer_async(self, request)
        finally:
            _request.reset(token)
            end(request, span)

    handler.get_response = get_response
    if answer_async is not None:
        handler.get_response_async = get_response_async


def _blocks(connection: Any) -> list[Span | None]:
    found: list[Span | None] | None = getattr(connection, _BLOCKS, None)
    if found is None:
        found = []
        setattr(connection, _BLOCKS, found)
    return found


def _learn_tables(recorder: Recorder) -> None:
    registry = sys.modules.get("django.apps")
    if registry is not None and registry.apps.models_ready:
        models = registry.apps.get_models(include_auto_created=True)
        recorder.known.update(model._meta.db_table.strip('"').lower() for model in models)
