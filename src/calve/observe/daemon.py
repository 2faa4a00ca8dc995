"""Blocking work of export libraries, off the loop and never in the way of the process's end.

The default executor would do for the first, but the interpreter waits for its threads at exit: a collector that does
not answer would then hold a stopped process for its full timeout. A daemon thread is left behind instead.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress

_log = logging.getLogger(__name__)


async def in_daemon_thread(function: Callable[[], object], timeout_seconds: float, *, what: str) -> bool:
    """Run `function` in a thread of its own and wait for it, but not longer than `timeout_seconds`.

    Args:
        function: Blocking; what it raises is logged, not raised: telemetry must not break what it observes.
        what: What is exported, for the log line.
    Returns: whether it ended well and in time.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[bool] = loop.create_future()

    def settle(ok: bool) -> None:
        if not done.done():
            done.set_result(ok)

    def run() -> None:
        try:
            function()
            ok = True
        except Exception:  # noqa: BLE001  (whatever a library raises, the application is not at fault)
            _log.warning("%s could not be exported", what, exc_info=True)
            ok = False
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, ok)

    threading.Thread(target=run, name=f"calve-export-{what}", daemon=True).start()
    try:
        # Not wait_for: until Python 3.12 it loses a cancellation that arrives together with the result.
        async with asyncio.timeout(timeout_seconds):
            return await done
    except TimeoutError:
        _log.warning("gave up waiting for the export of %s after %.1f s", what, timeout_seconds)
        return False
