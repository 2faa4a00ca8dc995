"""Stopping the whole shop under load: whatever has begun is answered, and what was not answered has not begun."""

from __future__ import annotations

import http.client
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest

from .conftest import (
    PATIENCE_SECONDS,
    calve_run,
    copy_shop,
    deposit,
    in_flight,
    open_wallet,
    place_order,
    references,
    refuses,
    request,
    until,
)

CALLERS = 16
TOPOLOGIES = ["one", "split"]


def test_every_order_in_flight_is_finished(tmp_path: Path, short_tmp: Path) -> None:
    with calve_run(copy_shop(tmp_path), short_tmp, "-t", "split", CALVE_RUN_GRACE_SECONDS="60") as shop:
        url = shop.url("front", start=1)
        customer = open_wallet(url, 10_000_000)
        shop.signal("money", signal.SIGSTOP)
        with ThreadPoolExecutor(CALLERS) as threads:
            orders = [threads.submit(place_order, url, customer) for _ in range(CALLERS)]
            until(lambda: in_flight(url, "wallet", "debit", "client") == CALLERS, "the debits")
            shop.terminate()
            until(lambda: refuses(url), "the edge to accept nobody any more")
            shop.signal("money", signal.SIGCONT)
            assert {order.result().status for order in orders} == {201}
        assert shop.wait() == 0
        assert '"stopped"' in shop.lines[-1]
        assert not [line for line in shop.lines if '"level":"error"' in line or '"level":"warning"' in line]


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_under_load_nothing_is_done_that_nobody_is_told_of(tmp_path: Path, short_tmp: Path, topology: str) -> None:
    """Connections that the system had taken but no unit yet are reset; the calls on them must not have run."""
    folder = copy_shop(tmp_path)
    with calve_run(folder, short_tmp, "-t", topology) as shop:
        url = shop.line(r'"shop is ready on (http://[^ "]+) after')[1]
        owner = open_wallet(url)
        told: list[tuple[str, int | None]] = []
        with ThreadPoolExecutor(CALLERS) as threads:
            callers = [threads.submit(_deposits, url, owner, told, keep=n % 2 == 0) for n in range(CALLERS)]
            until(lambda: len(told) > 20 * CALLERS, "calls")
            shop.terminate()
            for caller in callers:
                caller.result()
        assert shop.wait() == 0
    assert {status for _, status in told} == {200, None}
    assert sum(status is None for _, status in told) == CALLERS, "each caller ended when the unit took no more calls"
    with calve_run(folder, short_tmp, "-t", topology) as shop:
        url = shop.line(r'"shop is ready on (http://[^ "]+) after')[1]
        assert set(references(url, owner)) == {r for r, status in told if status == 200}
        assert shop.stop() == 0


def _deposits(url: str, owner: UUID, told: list[tuple[str, int | None]], *, keep: bool) -> None:
    """Deposit one cent again and again until nobody answers, on one connection or each time on a new one."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE_SECONDS)
    connection.auto_open = 0  # one that the server has closed must not be replaced without our knowing
    while True:
        reference = str(uuid4())
        body = f'{{"cents": 1, "reference": "{reference}"}}'
        try:
            if connection.sock is None:
                connection.connect()
            connection.request("POST", f"/wallets/{owner}/deposits", body, {"content-type": "application/json"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            told.append((reference, None))
            connection.close()
            return
        told.append((reference, answer.status))
        if not keep:
            connection.close()


@pytest.mark.parametrize("whole", [True, False], ids=["everything", "one unit"])
def test_a_call_that_runs_is_waited_for(till: Path, short_tmp: Path, whole: bool) -> None:
    purse, go = till / "till" / "purse.py", till / "go"
    waiting = f"""
        import asyncio, pathlib
        while not pathlib.Path({str(go)!r}).exists():
            await asyncio.sleep(0.01)
        return"""
    purse.write_text(purse.read_text().replace("\n        return", waiting))
    with calve_run(till, short_tmp, "-t", "split") as running:
        front, money = running.url("front", start=1), running.url("money", start=1)
        with ThreadPoolExecutor(1) as thread:
            call = thread.submit(request, f"{front}/answer")
            until(lambda: in_flight(money, "purse", "coins") == 1, "the call")
            if whole:
                running.terminate()
            else:
                running.signal("money", signal.SIGTERM)
            if whole:  # connections to a unit that comes back wait for it
                until(lambda: refuses(front), "the unit to accept nobody any more")
            go.touch()
            assert call.result().json() == "7 coins"
        if not whole:
            running.line("money ended with exit code 0; restarting")
            assert running.stop() == 0
        assert running.wait() == 0


def test_a_stream_is_told_that_the_unit_stops(tmp_path: Path, short_tmp: Path) -> None:
    folder = copy_shop(tmp_path)
    with calve_run(folder, short_tmp, "-t", "split", CALVE_RUN_GRACE_SECONDS="0.1") as shop:
        url = shop.url("front", start=1)
        placed = place_order(url, open_wallet(url, 10_000_000)).json()
        seen = threading.Event()
        with ThreadPoolExecutor(1) as thread:
            watcher = thread.submit(_watch, f"{url}/orders/{placed['id']}/status", seen)
            assert seen.wait(PATIENCE_SECONDS)
            shop.terminate()
            text = watcher.result()
        assert shop.wait() == 0
    assert '"confirmed"' in text
    assert text.rstrip().rpartition("\n\n")[2].startswith("event: error\ndata: {")
    assert '"code":"unavailable"' in text


def _watch(url: str, seen: threading.Event) -> str:
    """Read a stream to its end; `seen` is set when it has begun."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE_SECONDS)
    connection.request("GET", where.path)
    answer = connection.getresponse()
    text = ""
    while piece := answer.read1(65536):
        text += piece.decode()
        if "confirmed" in text:
            seen.set()
    connection.close()
    return text


def test_units_do_not_outlive_their_supervisor(tmp_path: Path, short_tmp: Path) -> None:
    folder = copy_shop(tmp_path)
    with calve_run(folder, short_tmp, "-t", "split") as shop:
        url = shop.url("front", start=1)
        customer = open_wallet(url, 10_000_000)
        units = [shop.pid(unit) for unit in ("front", "money", "stock")]
        shop.process.kill()
        until(lambda: all(map(_gone, units)), "the units to end")
    with calve_run(folder, short_tmp, "-t", "split") as shop:  # nobody holds the databases any more
        assert place_order(shop.url("front", start=1), customer).status == 201
        assert shop.stop() == 0


def _gone(pid: int) -> bool:
    """Whether a process has ended, though perhaps nobody has taken its exit code."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def test_what_was_acknowledged_survives_that_everything_is_killed_at_once(tmp_path: Path, short_tmp: Path) -> None:
    folder = copy_shop(tmp_path)
    with calve_run(folder, short_tmp, "-t", "one") as shop:
        url = shop.line(r'"shop is ready on (http://[^ "]+) after')[1]
        owner = open_wallet(url)
        acknowledged = [str(uuid4()) for _ in range(50)]
        for reference in acknowledged:
            assert deposit(url, owner, 1, UUID(reference)).status == 200
        shop.signal("shop", signal.SIGKILL)
        shop.process.kill()
    with calve_run(folder, short_tmp, "-t", "one") as shop:
        url = shop.line(r'"shop is ready on (http://[^ "]+) after')[1]
        assert set(references(url, owner)) == set(acknowledged)
        assert request(f"{url}/wallets/{owner}").json()["cents"] == 50
        assert shop.stop() == 0
