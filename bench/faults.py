"""What the users of the shop notice when its unit that keeps money is ill, at a fixed rate of requests.

The shop in three processes with SQLite and a small assortment, every limit as it comes, under ninety requests/s with a
deadline of a second; half of them need no money. One fault after the other, each for a few seconds, and as long without
one before it, which is what the latency of others is held against. Beside the slowest error: how many of which kind.

Calls that arrive at the unit are counted there, those that clients asked for at the clients: what is more are attempts
that callers repeated. (One that stands still counts nothing.)
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

from tests.system.fault_shop import DEADLINE_SECONDS, DEPENDENT, Episode, FaultShop, cut_off

from calve.testing.faults import Fault
from calve.testing.load import Samples

from .common import Result, result

SECONDS = 8.0
UNIT = "money"
ILL = {
    "full event loop": Fault("wallet", "block", 0.6),
    "slow answers": Fault("wallet", "slow", 3 * DEADLINE_SECONDS),
    "errors": Fault("wallet", "fail"),
    "refusals": Fault("wallet", "refuse"),
}


def run(seconds: float = SECONDS) -> list[Result]:
    """Go through all faults.

    Args:
        seconds: How long each lasts.
    Returns: for each, what others noticed, when errors came, and when they ended.
    """
    results: list[Result] = []

    def suffer(name: str, fault: AbstractContextManager[None], seconds: float = seconds) -> None:
        usual = shop.usual(SECONDS)
        received, since = shop.switch.received, shop.load.now
        with shop.episode() as episode, fault:
            shop.last(seconds)
        results.extend(_figures(name, usual, episode))
        if received := shop.switch.received - received:
            asked = len(shop.load.only(*DEPENDENT).between(since, since + seconds))
            claim = f"{name}: calls that arrive, of those asked for"
            results.append(result(claim, received / asked, "times", "<= 1.2", {"calls": received, "requests": asked}))

    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        tempfile.TemporaryDirectory(prefix="c", dir="/tmp") as short,
        FaultShop.start(Path(folder), Path(short), CALVE_RUN_RESTART_DELAY_SECONDS="0.5") as shop,
    ):
        suffer("killed", shop.killed(UNIT), 0.0)
        suffer("stopped", shop.stopped(UNIT))
        for name, kind in ILL.items():
            suffer(name, shop.switch.on(kind))
        with shop.behind_proxy(UNIT) as proxy:
            suffer("half-open connection", cut_off(proxy))
        suffer("clock an hour ahead, then back", _jumps(shop))
    return results


@contextlib.contextmanager
def _jumps(shop: FaultShop) -> Iterator[None]:
    shop.shift_clock(UNIT, timedelta(hours=1))
    yield
    shop.shift_clock(UNIT, timedelta())


def _figures(name: str, usual: Samples, episode: Episode) -> list[Result]:
    others, failed = episode.independent, episode.dependent.failed()
    before, now = usual.only(*{s.name for s in others}).percentile(99), others.percentile(99)
    errors = {f"{code or 'other'} of {len(episode.dependent)}": float(n) for code, n in episode.kinds.items()}
    return [
        result(f"{name}: errors of others", len(others.failed()), "requests", "<= 0", {"requests": len(others)}),
        result(f"{name}: p99 of others", now / before, "times", "<= 2", {"ms before": before, "ms": now}),
        result(f"{name}: slowest error", episode.slowest_seconds if failed else 0.0, "s", "<= 1.1", errors),
        result(f"{name}: until all is well again", episode.recovery_seconds, "s", "<= 2", {}),
    ]
