"""One replica of three is ill: it gets no calls for as long as that lasts, and hardly anybody notices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

from calve.testing.faults import Fault
from calve.testing.load import Samples, describe_failures
from calve.testing.postgres import Missing, temporary_stores

from .fault_shop import DEADLINE_SECONDS, UNAVAILABLE, FaultShop, check, cut_off

SERVICES = ("catalog", "wallet", "inventory", "orders", "notification")
ILL = "money.2"
NOTICED_SECONDS = 1.5
"""After so long its callers have noticed: five failures in a row, or silence and a ping without an answer."""
FAULT_SECONDS = 2.5
FEW = 0.1
"""Share of requests that may fail: those that were under way, and one now and then to see whether it is well again."""
Making = Callable[[FaultShop], AbstractContextManager[None]]
"""Makes one replica ill."""
ASK_AGAIN = {"CALVE_POLICY_WALLET_BALANCE_ATTEMPT_SECONDS": "0.4"}
"""So that a query which one replica does not answer can be put to another one before its time is over."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, short_tmp: Path) -> Iterator[FaultShop]:
    """The shop on PostgreSQL, with three replicas of the unit that keeps money."""
    with asyncio.Runner() as runner:
        made = temporary_stores(SERVICES)
        try:
            url = runner.run(made.__aenter__())
            settings = {"CALVE_STORE_URL": url, "CALVE_UNIT_MONEY_REPLICAS": "3", **ASK_AGAIN}
            with FaultShop.start(tmp_path_factory.mktemp("faults"), short_tmp, **settings) as started:
                yield started
        except Missing as missing:
            pytest.skip(str(missing))
        runner.run(made.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def usual(shop: FaultShop) -> Samples:
    """What requests are like when all is well."""
    return shop.usual()


@contextmanager
def half_open(shop: FaultShop) -> Iterator[None]:
    """It is well, but nothing comes through to it, nor from it."""
    with shop.behind_proxy(ILL) as proxy, cut_off(proxy):
        yield


@contextmanager
def out_of_time(shop: FaultShop) -> Iterator[None]:
    """Its wall clock is set an hour back."""
    shop.shift_clock(ILL, timedelta(hours=-1))
    try:
        yield
    finally:
        shop.shift_clock(ILL, timedelta())


def ill(kind: Literal["fail", "refuse", "slow", "block"], seconds: float = 0.0) -> Making:
    """Something is wrong with its service."""
    return lambda shop: shop.switch.on(Fault("wallet", kind, seconds, shop.running.pid(ILL)))


FAULTS: dict[str, Making] = {
    "killed": lambda shop: shop.killed(ILL),
    "stopped": lambda shop: shop.stopped(ILL),
    "a full event loop": ill("block", 0.6),
    "slow answers": ill("slow", 3 * DEADLINE_SECONDS),
    "errors": ill("fail"),
    "refusals": ill("refuse"),
    "half-open connections": half_open,
    "a clock that jumps": out_of_time,
}


class Outcome(NamedTuple):
    """What clients saw of a fault of one replica."""

    late: Samples
    """Queries that failed although the others had been noticed to be well."""
    share: float
    """Of all that depends on the unit, what failed."""
    failed: Samples


def suffer(shop: FaultShop, usual: Samples, fault: Making) -> Outcome:
    """Have one replica ill for a while."""
    received = shop.switch.received
    with shop.episode() as episode, fault(shop):
        since = shop.load.now
        shop.last(FAULT_SECONDS)
        received = shop.switch.received - received
    check(episode, usual, {*UNAVAILABLE, "internal_error"})
    asked = len(episode.dependent.between(since, since + FAULT_SECONDS))
    assert received <= 1.2 * asked / 3 + 5, f"the ill one got {received} calls of {asked} requests, more than its share"
    failed = episode.dependent.failed()
    return Outcome(
        failed.between(since + NOTICED_SECONDS).only("balance"), len(failed) / len(episode.dependent), failed
    )


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_one_of_three(shop: FaultShop, usual: Samples, fault: Making) -> None:
    outcome = suffer(shop, usual, fault)
    if outcome.late or outcome.share > FEW:  # the machine may have had something else to do
        outcome = suffer(shop, usual, fault)
    assert outcome.late == [], describe_failures(outcome.late[:10])
    assert outcome.share <= FEW, describe_failures(outcome.failed[:10])
