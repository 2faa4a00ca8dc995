"""One unit of the shop is ill: nobody else notices, its callers learn the truth in time, and it comes back by itself.

`fault_shop.check` says what that means.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from calve.testing.faults import Fault
from calve.testing.load import Samples
from calve.testing.postgres import Missing

from .conftest import deposit, request
from .fault_shop import DEADLINE_SECONDS, DEPENDENT, UNAVAILABLE, FaultShop, check, cut_off

FAULT_SECONDS = 3.0


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, short_tmp: Path) -> Iterator[FaultShop]:
    """A shop of this module's own, under load from here on."""
    try:
        with FaultShop.start(tmp_path_factory.mktemp("faults"), short_tmp) as started:
            yield started
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def usual(shop: FaultShop) -> Samples:
    """What requests are like when all is well."""
    return shop.usual()


def test_a_unit_that_is_killed(shop: FaultShop, usual: Samples) -> None:
    with shop.episode() as episode, shop.killed("money"):
        pass
    check(episode, usual)


def test_a_unit_that_is_stopped(shop: FaultShop, usual: Samples) -> None:
    with shop.episode() as episode, shop.stopped("money"):
        shop.last(FAULT_SECONDS)
    check(episode, usual)
    assert episode.kinds["circuit_open"] > 0


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        (Fault("wallet", "block", 0.6), UNAVAILABLE),
        (Fault("wallet", "slow", 3 * DEADLINE_SECONDS), UNAVAILABLE),
        (Fault("wallet", "fail"), {*UNAVAILABLE, "internal_error"}),
    ],
    ids=["a full event loop", "slow answers", "errors"],
)
def test_a_unit_that_is_ill(shop: FaultShop, usual: Samples, fault: Fault, codes: set[str]) -> None:
    received, since = shop.switch.received, shop.load.now
    with shop.episode() as episode, shop.switch.on(fault):
        shop.last(FAULT_SECONDS)
        calls = shop.switch.received - received
    check(episode, usual, codes)
    if fault.kind != "fail":  # who answers with errors of its own is no less there
        assert episode.kinds["circuit_open"] > 0
    asked = len(shop.load.only(*DEPENDENT).between(since, since + FAULT_SECONDS))
    assert calls <= 1.2 * asked + 2, f"{calls} calls arrived of {asked} requests: callers made it worse"


def test_a_connection_that_is_half_open(shop: FaultShop, usual: Samples) -> None:
    with shop.behind_proxy("money") as proxy:
        with shop.episode() as episode, cut_off(proxy):
            shop.last(FAULT_SECONDS)
        check(episode, usual)
        assert episode.kinds["circuit_open"] > 0


def test_a_clock_that_jumps(shop: FaultShop, usual: Samples) -> None:
    with shop.episode() as episode:
        for by in (timedelta(hours=1), timedelta(hours=-1)):
            shop.shift_clock("money", by)
            shop.last(FAULT_SECONDS / 3)
            assert deposit(shop.url, shop.owners[0], 1).status == 200
            latest = request(f"{shop.url}/wallets/{shop.owners[0]}/statement").json()["entries"][0]
            assert abs(datetime.fromisoformat(latest["at"]) - datetime.now().astimezone() - by) < timedelta(minutes=5)
        shop.shift_clock("money", timedelta())
    check(episode, usual, codes=())
