"""What the users of the shop notice when its unit that keeps money is ill, at a fixed rate of requests.

The shop in three processes with SQLite, every setting as it comes, under ninety requests/s with a deadline of a second;
half of them need no money. One fault after the other, each for a few seconds. Beside each figure: how many errors of
which kind there were, and how long the slowest took to arrive.

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

SECONDS, USUAL_SECONDS = 6.0, 15.0
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
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as folder,
        tempfile.TemporaryDirectory(prefix="c", dir="/tmp") as short,
        FaultShop.start(Path(folder), Path(short)) as shop,
    ):
        usual = shop.usual(USUAL_SECONDS)
        results += _figures("killed", usual, _suffer(shop, shop.killed(UNIT), 0.0))
        results += _figures("stopped", usual, _suffer(shop, shop.stopped(UNIT), seconds))
        for name, kind in ILL.items():
            received, since = shop.switch.received, shop.load.now
            results += _figures(name, usual, _suffer(shop, shop.switch.on(kind), seconds))
            asked = shop.load.only(*DEPENDENT).between(since, since + seconds)
            results.append(_calls(name, shop.switch.received - received, asked))
        with shop.behind_proxy(UNIT) as proxy:
            results += _figures("half-open connection", usual, _suffer(shop, cut_off(proxy), seconds))
        results += _figures("clock an hour ahead, then back", usual, _suffer(shop, _jumps(shop), seconds))
    return results


def _suffer(shop: FaultShop, fault: AbstractContextManager[None], seconds: float) -> Episode:
    with shop.episode() as episode, fault:
        shop.last(seconds)
    return episode


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


def _calls(name: str, received: int, asked: Samples) -> Result:
    ratio = received / len(asked)
    return result(f"{name}: calls that arrive, of those asked for", ratio, "times", "<= 1.2", {"calls": received})
