"""A WSGI application as an ASGI one: a2wsgi translates, in threads of our own.

What a2wsgi leaves to its surroundings:

    a client that goes away while the answer is being     what is sent to it then vanishes, so that no thread waits for
    written                                               somebody to take it
    a request that is cancelled                           the thread goes on to its end; nothing can stop a thread
    threads at the end of the process                     daemons: one that hangs does not keep the process
    header names with underscores                         dropped, as nginx and gunicorn do: in the environment they
                                                          look like those with hyphens that a proxy has checked
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote_from_bytes

from ...core.errors import ConfigError
from ...core.forks import leave_if_forked
from ..rest.base import Event, Receive, Scope, Send
from .containment import contained
from .threads import DaemonPool

try:
    from a2wsgi import WSGIMiddleware
except ImportError as error:
    raise ConfigError(
        "a2wsgi is not installed", where="[service.<name>] wsgi", fix="run pip install 'calve[adopt]'"
    ) from error


class WsgiApp:
    """Serves one WSGI application over ASGI.

    Args:
        app: The application.
        threads: So many requests at once; others wait.
        name: Of the threads.
    """

    def __init__(self, app: Any, threads: int, name: str) -> None:
        self._pool = DaemonPool(threads, name)
        middleware: Any = WSGIMiddleware(_guarded(app), workers=threads)
        middleware.executor = self._pool
        self._serve = middleware

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; a WebSocket is refused."""
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close", "code": 1000})
            return
        scope["headers"] = [(name, value) for name, value in scope["headers"] if b"_" not in name]
        scope["query_string"] = quote_from_bytes(scope["query_string"], safe=_PRINTABLE).encode("ascii")
        gone = False

        async def sending(event: Event) -> None:
            nonlocal gone
            if gone:
                return
            try:
                await send(event)
            except OSError:
                gone = True

        async def receiving() -> Event:
            return {"type": "http.disconnect"} if gone else await receive()

        # A task of its own: it has to outlive a cancelled request, or the thread would wait for ever for its queue.
        serving = asyncio.Task(self._contained(scope, receiving, sending), loop=asyncio.get_running_loop())
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            gone = True
            serving.add_done_callback(_forget)
            raise

    async def _contained(self, scope: Scope, receive: Receive, send: Send) -> None:
        await contained(self._serve(scope, receive, send))

    def close(self) -> None:
        """Let idle threads end."""
        self._pool.shutdown(wait=False)


def _guarded(app: Any) -> Any:
    """The application, but a process that it forks does not go on to answer: it would wait for the parent's loop."""

    def call(environ: Any, start_response: Any) -> Iterable[bytes]:
        def starting(*args: Any) -> Any:
            leave_if_forked()
            return start_response(*args)

        parts = app(environ, starting)
        leave_if_forked()
        return _Parts(parts)

    return call


class _Parts:
    """What an application returned: an iterable that may want to be closed."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            leave_if_forked()
            yield part
        leave_if_forked()

    def close(self) -> None:
        if (close := getattr(self._parts, "close", None)) is not None:
            close()


_PRINTABLE = "".join(map(chr, range(0x21, 0x7F)))


def _forget(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
