"""One unit of the shop is ill: nobody else notices, its callers learn the truth in time, and it comes back by itself.

The figures here leave room for a machine that does other things as well; `bench/faults.py` has the strict ones.
"""

from __future__ import annotations

import signal
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from calve.testing.faults import Fault
from calve.testing.load import Samples, describe_failures
from calve.testing.postgres import Missing

from .conftest import request
from .fault_shop import DEADLINE_SECONDS, DEPENDENT, INDEPENDENT, Episode, FaultShop, code_of

FAULT_SECONDS = 3.0
P99_FLOOR_MS = 300.0
"""Nothing that waited for a unit that is ill is faster, and hardly anything else is slower."""
LATE_SECONDS = 1.0
"""How long after its deadline an error may arrive."""
RECOVERY_SECONDS = 5.0
UNAVAILABLE = {"unavailable", "deadline_exceeded", "circuit_open"}


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


def check(episode: Episode, usual: Samples, codes: Collection[str] = UNAVAILABLE) -> None:
    """Nobody else noticed; who depends on it got errors of these kinds, in time, and none any more soon after."""
    assert episode.independent.failed() == [], describe_failures(episode.independent.failed()[:10])
    before, now = usual.only(*INDEPENDENT).percentile(99), episode.independent.percentile(99)
    assert now <= max(2 * before, P99_FLOOR_MS)
    strange = Samples(sample for sample in episode.dependent.failed() if code_of(sample) not in codes)
    assert strange == [], describe_failures(strange[:10])
    assert episode.slowest_seconds <= DEADLINE_SECONDS + LATE_SECONDS
    assert episode.recovery_seconds <= RECOVERY_SECONDS


def test_a_unit_that_is_killed(shop: FaultShop, usual: Samples) -> None:
    before = shop.running.starts("money")
    with shop.episode() as episode:
        shop.running.signal("money", signal.SIGKILL)
        shop.running.url("money", start=before + 1)
    check(episode, usual)


def test_a_unit_that_is_stopped(shop: FaultShop, usual: Samples) -> None:
    with shop.episode() as episode:
        shop.running.signal("money", signal.SIGSTOP)
        try:
            shop.last(FAULT_SECONDS)
        finally:
            shop.running.signal("money", signal.SIGCONT)
    check(episode, usual)
    assert episode.kinds["circuit_open"] > 0


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        (Fault("wallet", "block", 0.6), UNAVAILABLE),
        (Fault("wallet", "slow", 3 * DEADLINE_SECONDS), UNAVAILABLE),
        (Fault("wallet", "fail"), {*UNAVAILABLE, "internal_error"}),
        (Fault("wallet", "refuse"), UNAVAILABLE),
    ],
    ids=["a full event loop", "slow answers", "errors", "refusals"],
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
    before = shop.running.starts("money")
    with shop.proxy("money") as proxy:
        shop.running.signal("money", signal.SIGKILL)
        shop.running.url("money", start=before + 1)
        shop.calm()
        with shop.episode() as episode:
            proxy.hold()
            shop.last(FAULT_SECONDS)
            proxy.sever()
        check(episode, usual)
        assert episode.kinds["circuit_open"] > 0
    shop.calm()


@pytest.mark.parametrize("by", [timedelta(hours=1), timedelta(hours=-1)], ids=["forward", "back"])
def test_a_clock_that_jumps(shop: FaultShop, usual: Samples, by: timedelta) -> None:
    with shop.episode() as episode:
        shop.shift_clock("money", by)
        shop.last(FAULT_SECONDS / 2)
        latest = request(f"{shop.url}/wallets/{shop.owner}/statement").json()["entries"][0]
        shop.shift_clock("money", timedelta())
    assert abs(datetime.fromisoformat(latest["at"]) - datetime.now().astimezone() - by) < timedelta(minutes=5)
    check(episode, usual, codes=())
