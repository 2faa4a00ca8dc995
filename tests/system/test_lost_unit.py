"""A unit that dies, stops or hangs in the middle of calls: callers learn the truth, and it comes back by itself."""

from __future__ import annotations

import asyncio
import re
import signal
import threading
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from calve.contract import describe
from calve.core.clock import SystemClock
from calve.core.context import CallContext
from calve.core.deadline import TimerWheel
from calve.core.errors import DeadlineExceeded, Unavailable
from calve.transport.wire import FileResolver, WireClient
from shop.wallet.contract import Balance, Wallet

from .conftest import (
    PATIENCE_SECONDS,
    Answer,
    Running,
    deposit,
    in_flight,
    open_wallet,
    place_order,
    references,
    request,
    until,
)

CALLERS = 16
WALLET = describe(Wallet).operations


class WalletClient:
    """Calls the wallet's unit over the wire, as another unit does."""

    def __init__(self, endpoints: Path) -> None:
        self._clock = SystemClock()
        wheel = TimerWheel(asyncio.get_running_loop(), self._clock.monotonic)
        self.wire = WireClient(FileResolver(endpoints), wheel=wheel, clock=self._clock)

    async def deposit(self, owner: UUID, reference: UUID, timeout_seconds: float = PATIENCE_SECONDS) -> Balance:
        """Put one cent in."""
        operation = WALLET["deposit"]
        context = CallContext("wallet.deposit", self._clock.monotonic() + timeout_seconds)
        answer = await self.wire.call("wallet", operation, operation.request(owner, 1, reference), context)
        assert isinstance(answer, Balance)
        return answer


@asynccontextmanager
async def wallet_client(shop_folder: Path) -> AsyncIterator[WalletClient]:
    client = WalletClient(shop_folder / ".calve" / "endpoints.json")
    try:
        yield client
    finally:
        await client.wire.close()


def restart_after_kill(shop: Running, unit: str) -> str:
    """Kill a unit and wait until it is up again. Returns: its new URL."""
    before = shop.starts(unit)
    shop.signal(unit, signal.SIGKILL)
    return shop.url(unit, start=before + 1)


def deposits(url: str, owner: UUID, told: list[tuple[str, Answer]], stop: threading.Event) -> None:
    """Deposit one cent again and again under new references; notes what it is told."""
    while not stop.is_set():
        reference = uuid4()
        told.append((str(reference), deposit(url, owner, 1, reference)))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_callers_of_a_unit_that_dies_under_load_learn_the_truth(shop: Running, number: signal.Signals) -> None:
    url, owner, stop = shop.url("front"), open_wallet(shop.url("front")), threading.Event()
    told: list[tuple[str, Answer]] = []
    before = shop.starts("money")
    with ThreadPoolExecutor(CALLERS) as threads:
        try:
            callers = [threads.submit(deposits, url, owner, told, stop) for _ in range(CALLERS)]
            for life in (1, 2):
                enough = len(told) + 10 * CALLERS
                until(lambda enough=enough: len(told) >= enough, "calls")  # type: ignore[misc]
                shop.signal("money", number)
                shop.url("money", start=before + life)
            enough = len(told) + 10 * CALLERS
            until(lambda: len(told) >= enough, "calls after the last restart")
        finally:
            stop.set()
        for caller in callers:
            caller.result()
    failed = [(reference, answer.json()) for reference, answer in told if answer.status != 200]
    assert {problem["code"] for _, problem in failed} <= {"unavailable", "circuit_open", "answer_lost"}
    done = {reference for reference, answer in told if answer.status == 200}
    lost = {reference for reference, problem in failed if problem["may_have_run"]}
    not_run = {reference for reference, problem in failed if not problem["may_have_run"]}
    entries = references(url, owner)
    assert done <= set(entries), "an acknowledged write was lost"
    assert not not_run & set(entries), "a call that was said not to have run has run"
    assert set(entries) <= done | lost
    assert max(Counter(entries).values()) == 1
    if number == signal.SIGKILL:
        assert repeated(url, "deposit"), "nothing was in flight when the unit died, so this shows nothing"
    else:
        assert (lost, not_run) == (set(), set()), "a unit that is asked to stop answers what it has begun"


def repeated(url: str, operation: str) -> int:
    """How many attempts of an operation of the wallet the edge has made again."""
    line = rf'^calve_resilience_retries_total{{[^}}]*operation="{operation}"[^}}]*}} (\d+)'
    return sum(int(float(found)) for found in re.findall(line, request(f"{url}/metrics").body.decode(), re.MULTILINE))


def test_a_call_that_was_sent_to_a_unit_that_dies_is_repeated_and_has_its_effect_once(shop: Running) -> None:
    url = shop.url("front")
    owner = open_wallet(url)
    before = shop.starts("money")
    shop.signal("money", signal.SIGSTOP)
    with ThreadPoolExecutor(1) as thread:
        caller = thread.submit(deposit, url, owner, 1)
        until(lambda: in_flight(url, "wallet", "deposit", "client") == 1, "the call")
        shop.signal("money", signal.SIGKILL)
        answer = caller.result()
    assert (answer.status, answer.json()["cents"]) == (200, 1)
    shop.url("money", start=before + 1)
    assert len(references(url, owner)) == 1


async def test_on_the_wire_a_lost_call_and_one_that_was_never_sent_are_told_apart(
    shop: Running, shop_folder: Path
) -> None:
    owner, before = open_wallet(shop.url("front")), shop.starts("money")
    async with wallet_client(shop_folder) as client:
        await client.deposit(owner, uuid4())
        shop.signal("money", signal.SIGSTOP)
        sent = asyncio.create_task(client.deposit(owner, uuid4()))
        await asyncio.sleep(0)  # the call is made …
        await asyncio.sleep(0)  # … and what it wrote has been sent
        shop.signal("money", signal.SIGKILL)
        with pytest.raises(Unavailable) as lost:
            await sent
        assert lost.value.may_have_run
        with pytest.raises(Unavailable, match="could not be reached before the deadline") as unsent:
            await client.deposit(owner, uuid4(), timeout_seconds=0.001)
        assert not unsent.value.may_have_run
        # One that has the time waits for the unit to come back, and needs nobody's help for it.
        assert (await client.deposit(owner, uuid4())).cents == 2
    shop.url("money", start=before + 1)


def test_an_order_that_a_death_interrupted_is_finished_and_placing_it_again_changes_nothing(shop: Running) -> None:
    url, order = shop.url("front"), uuid4()
    customer, before = open_wallet(url, 10_000_000), shop.starts("money")
    shop.signal("money", signal.SIGSTOP)
    with ThreadPoolExecutor(1) as thread:
        caller = thread.submit(place_order, url, customer, order)
        until(lambda: in_flight(url, "wallet", "debit", "client") == 1, "the debit")
        shop.signal("money", signal.SIGKILL)
        answer = caller.result()
    assert answer.status == 201
    assert request(f"{url}/orders/{order}").json()["status"] == "confirmed"
    shop.url("money", start=before + 1)
    placed = place_order(url, customer, order)
    assert (placed.status, placed.json()["status"]) == (201, "confirmed")
    left = request(f"{url}/wallets/{customer}").json()["cents"]
    assert left == 10_000_000 - placed.json()["total_cents"]
    assert references(url, customer).count(str(order)) == 1


@pytest.mark.parametrize("unit", ["money", "stock", "front"])
def test_every_unit_comes_back(shop: Running, unit: str) -> None:
    customer = open_wallet(shop.url("front"), 10_000_000)
    restart_after_kill(shop, unit)
    url = shop.url("front")
    assert place_order(url, customer).status == 201


def test_a_unit_that_is_asked_to_stop_finishes_what_it_was_sent(shop: Running) -> None:
    url = shop.url("front")
    customer, before = open_wallet(url, 10_000_000), shop.starts("money")
    shop.signal("money", signal.SIGSTOP)
    with ThreadPoolExecutor(CALLERS) as threads:
        orders = [threads.submit(place_order, url, customer) for _ in range(CALLERS)]
        until(lambda: in_flight(url, "wallet", "debit", "client") == CALLERS, "the debits")
        shop.signal("money", signal.SIGTERM)
        shop.signal("money", signal.SIGCONT)
        assert {order.result().status for order in orders} == {201}
    shop.line(r"money ended with exit code 0; restarting")
    shop.url("money", start=before + 1)


async def test_a_unit_that_hangs_costs_its_callers_no_more_than_their_deadline(
    shop: Running, shop_folder: Path
) -> None:
    url = shop.url("front")
    owner = open_wallet(url, 1)
    async with wallet_client(shop_folder) as client:
        await client.deposit(owner, uuid4())
        shop.signal("money", signal.SIGSTOP)
        try:
            with pytest.raises(DeadlineExceeded) as late:
                await client.deposit(owner, uuid4(), timeout_seconds=0.1)
            assert late.value.may_have_run
            answer = await asyncio.to_thread(request, f"{url}/wallets/{owner}", headers={"X-Request-Timeout": "0.1"})
            assert (answer.status, answer.json()["code"]) == (504, "deadline_exceeded")
            assert answer.json()["may_have_run"] is True
            # What needs no money goes on as if nothing were.
            assert (await asyncio.to_thread(request, f"{url}/products/KIT-00000")).status == 200
            assert (await asyncio.to_thread(request, f"{url}/health/ready")).status == 200
        finally:
            shop.signal("money", signal.SIGCONT)
        assert (await client.deposit(owner, uuid4())).cents in (3, 4)  # the one that was late may have run
    assert (await asyncio.to_thread(request, f"{url}/wallets/{owner}")).status == 200
