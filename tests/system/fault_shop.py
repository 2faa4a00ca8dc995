"""The shop under a steady load while something is wrong with one unit, for the tests of faults and `bench/faults.py`.

    with FaultShop.start(folder, tmp) as shop:
        usual = shop.usual()                                        how it is when all is well
        with shop.episode() as episode:
            ...                                                     the fault, until the unit is well again
        episode.independent, episode.dependent, episode.recovery_seconds

Requests are made by the clock, often enough for breakers to judge and so seldom that no core is busy, each with a
deadline of a second. Those that need no money are independent of its unit; balances, deposits and orders depend on it.
"""

from __future__ import annotations

import contextlib
import re
import signal
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from calve.testing.faults import FaultSwitch, SocketProxy
from calve.testing.load import LoadRequest, Sample, Samples, SteadyLoad, describe_failures
from calve.testing.wallclock import ShiftedClocks

from .conftest import Running, calve_run, copy_shop, open_wallet, until

PER_SECOND = 90.0
DEADLINE_SECONDS = 1.0
INDEPENDENT, DEPENDENT = ("browse", "product", "stock"), ("balance", "deposit", "order")
P99_FLOOR_MS = 750.0
"""What waits for a unit that is ill takes a deadline, and what does not is faster even on a machine with other work."""
LATE_SECONDS = 1.0
"""How long after its deadline an error may arrive there."""
RECOVERY_SECONDS = 5.0
"""How long it may take until all is well again there; `bench/faults.py` has the strict figures."""
UNAVAILABLE = {"unavailable", "deadline_exceeded", "circuit_open"}
"""Codes of errors that say that a unit is ill."""
CUSTOMERS = 20
"""So many wallets: a process that stands still in the middle of a transaction holds the locks that it has."""
CALM = 20
"""Good answers in a row after which a unit has recovered."""


class Episode:
    """What became of the requests that were due while a fault lasted, and shortly after."""

    def __init__(self) -> None:
        self.independent, self.dependent = Samples(), Samples()
        """From the beginning of the fault until all was well again; until the unit was well."""
        self.recovery_seconds = 0.0
        """From when the unit was well until a request that failed was due for the last time."""

    @property
    def kinds(self) -> Counter[str]:
        """Codes of the errors, by how often; '' for an answer that is no problem document."""
        return Counter(code_of(sample) for sample in self.dependent.failed())

    @property
    def slowest_seconds(self) -> float:
        """Of the requests that failed, from when it was due to its error; 0 when none did."""
        return max((sample.seconds for sample in self.dependent.failed()), default=0.0)


def code_of(sample: Sample) -> str:
    """The code of a problem document."""
    found = re.search(r'"code":\s*"(\w+)"', sample.detail)
    return found[1] if found else ""


def check(episode: Episode, usual: Samples, codes: Collection[str] = UNAVAILABLE) -> None:
    """Nobody else noticed; who depends on it got errors of these kinds, in time, and none any more soon after."""
    assert episode.independent.failed() == [], describe_failures(episode.independent.failed()[:10])
    before, now = usual.only(*INDEPENDENT).percentile(99), episode.independent.percentile(99)
    assert now <= max(2 * before, P99_FLOOR_MS)
    strange = Samples(sample for sample in episode.dependent.failed() if code_of(sample) not in codes)
    assert strange == [], describe_failures(strange[:10])
    assert episode.slowest_seconds <= DEADLINE_SECONDS + LATE_SECONDS
    assert episode.recovery_seconds <= RECOVERY_SECONDS


def shop_requests(owners: Sequence[UUID]) -> list[LoadRequest]:
    """One of each kind in turn, with their deadlines, for one customer after the other."""
    return [request for owner in owners for request in _requests_of(owner)]


def _requests_of(owner: UUID) -> list[LoadRequest]:
    within = (("X-Request-Timeout", f"{DEADLINE_SECONDS:g}"),)

    def deposit() -> dict[str, object]:
        return {"cents": 1, "reference": str(uuid4())}

    def order() -> dict[str, object]:
        return {"id": str(uuid4()), "customer": str(owner), "items": [{"sku": "KIT-00000", "quantity": 1}]}

    return [
        LoadRequest("browse", "GET", "/products?limit=5", headers=within),
        LoadRequest("balance", "GET", f"/wallets/{owner}", headers=within),
        LoadRequest("stock", "GET", "/stock/KIT-00001", headers=within),
        LoadRequest("deposit", "POST", f"/wallets/{owner}/deposits", deposit, headers=within),
        LoadRequest("product", "GET", "/products/KIT-00000", headers=within),
        LoadRequest("order", "POST", "/orders", order, headers=within),
    ]


class FaultShop:
    """A shop in several processes, and the load on it."""

    def __init__(self, running: Running, folder: Path, switch: FaultSwitch, clocks: ShiftedClocks) -> None:
        self.running, self.folder, self.switch, self._clocks = running, folder, switch, clocks
        self.url = running.url("front")
        self.owners = [open_wallet(self.url, cents=1_000_000_00) for _ in range(CUSTOMERS)]
        self.load: SteadyLoad

    @classmethod
    @contextlib.contextmanager
    def start(cls, folder: Path, tmp: Path, **settings: str) -> Iterator[FaultShop]:
        """Start one and its load.

        Args:
            folder: For the copy of the shop.
            tmp: A short folder for sockets.
            settings: More environment variables.
        Raises: Missing: this machine cannot shift clocks.
        """
        switch, clocks = FaultSwitch(folder), ShiftedClocks(folder)
        environ = {**switch.environ(), **clocks.environ(), **settings}
        shop = copy_shop(folder)
        with calve_run(shop, tmp, "--topology", "split", **environ) as running:
            running.line("shop is ready")
            made = cls(running, shop, switch, clocks)
            with SteadyLoad(made.url, shop_requests(made.owners), per_second=PER_SECOND) as made.load:
                made.calm()
                yield made
            assert running.stop() == 0

    def calm(self, kinds: tuple[str, ...] = INDEPENDENT + DEPENDENT) -> None:
        """Wait until so many requests of some kinds in a row are answered well."""

        def good() -> bool:
            last = Samples(self.load.only(*kinds)[-CALM:])
            return len(last) == CALM and not last.failed()

        try:
            until(good, "requests that are answered well")
        except AssertionError as error:
            raise AssertionError(f"{error}; failed:\n{describe_failures(self.load.failed()[-CALM:])}") from None

    def usual(self, seconds: float = 2.0) -> Samples:
        """What requests are like now, for some time."""
        since = self.load.now
        self.last(seconds)
        return self.load.samples.between(since)

    def last(self, seconds: float) -> None:
        """Let time pass, under load."""
        threading.Event().wait(seconds)

    def settle(self) -> None:
        """Wait until whatever was due before now has ended."""
        now = self.load.now
        until(lambda: len(self.load.samples.between(0, now)) >= int(now * PER_SECOND), "answers")

    @contextlib.contextmanager
    def episode(self) -> Iterator[Episode]:
        """Take note of a fault, which lasts as long as the block."""
        episode, since = Episode(), self.load.now
        yield episode
        well = self.load.now
        before = len(self.load.samples)
        until(lambda: len(self.load.samples) >= before + CALM, "requests after the fault")
        self.calm()
        self.settle()
        episode.independent = self.load.only(*INDEPENDENT).between(since)
        episode.dependent = self.load.only(*DEPENDENT).between(since, well)
        late = self.load.only(*DEPENDENT).between(well).failed()
        episode.recovery_seconds = max((sample.due for sample in late), default=well) - well

    def shift_clock(self, unit: str, by: timedelta) -> None:
        """Set the wall clock of a unit's process."""
        self._clocks.shift(self.running.pid(unit), by)

    @contextlib.contextmanager
    def killed(self, process: str) -> Iterator[None]:
        """Kill a unit, or one of its replicas; it is well when its supervisor has started it again."""
        before = self.running.starts(process)
        self.running.signal(process, signal.SIGKILL)
        yield
        self.running.url(process, start=before + 1)

    @contextlib.contextmanager
    def stopped(self, process: str) -> Iterator[None]:
        """Let it stand still with all its connections open."""
        self.running.signal(process, signal.SIGSTOP)
        try:
            yield
        finally:
            self.running.signal(process, signal.SIGCONT)

    @contextlib.contextmanager
    def behind_proxy(self, process: str) -> Iterator[SocketProxy]:
        """Have a proxy between it and its callers, for the time of the block."""
        address = wire_socket(self.folder, process)
        real = address.with_suffix(".real")
        address.rename(real)
        try:
            with SocketProxy(address, real) as proxy:
                with self.killed(process):  # so that they connect anew
                    pass
                self.calm()
                yield proxy
        finally:
            address.unlink(missing_ok=True)
            real.rename(address)
        self.calm()


@contextlib.contextmanager
def cut_off(proxy: SocketProxy) -> Iterator[None]:
    """Let nothing through; afterwards only on new connections, as when something between two machines was replaced."""
    proxy.hold()
    yield
    proxy.sever()


def wire_socket(folder: Path, process: str) -> Path:
    """Where a unit, or one of its replicas, listens for calls."""
    found = re.search(rf"unix:([^\"]*/{re.escape(process)}\.sock)", (folder / ".calve" / "endpoints.json").read_text())
    assert found is not None
    return Path(found[1])
