"""The shop as its users run it: `calve run` on a copy of its own, in real processes, on free ports."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest

from ..till import write_till

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30.0
"""For what ought to happen at once; a test that waits this long has failed."""

SETTINGS = {
    "CALVE_HTTP_PORT": "0",
    "CALVE_LOG_FORMAT": "json",
    "CALVE_RUN_RESTART_DELAY_SECONDS": "0.05",
    "CALVE_RUN_STABLE_SECONDS": "0",  # every death is the first one
    "CALVE_SERVICE_CATALOG_PRODUCTS": "50",
    "CALVE_SERVICE_INVENTORY_PRODUCTS": "50",
    "CALVE_SERVICE_INVENTORY_UNITS": "100000",
}
"""A small assortment, so that a start takes little more than the processes themselves."""


def environment(**more: str) -> dict[str, str]:
    """The machine's environment without anything that would configure a run, and `more`."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("CALVE_", "OTEL_")) and k != "FORCE_COLOR"}
    return {**ours, "NO_COLOR": "1", "COLUMNS": "120", "PYTHONWARNINGS": "error", **more}


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait until something is true that nothing reports. Returns: its value."""
    end, pause = time.monotonic() + PATIENCE_SECONDS, threading.Event()
    while not (value := condition()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        pause.wait(0.01)
    return value


class Answer(NamedTuple):
    """What came back over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


def request(
    url: str, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None, timeout: float = 60.0
) -> Answer:
    """One HTTP request on a connection of its own. Raises OSError or HTTPException when there is no answer."""
    where = urlsplit(url)
    assert where.hostname is not None
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=timeout)
    content = b"" if body is None else json.dumps(body).encode()
    given = ({"content-type": "application/json"} if content else {}) | dict(headers or {})
    try:
        connection.request(method, f"{where.path}?{where.query}".rstrip("?"), content, given)
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


class Running:
    """A `calve run` and everything it wrote so far.

    Args:
        process: With both outputs as pipes.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._new = threading.Condition()
        self._readers = [self._reader(pipe) for pipe in (process.stdout, process.stderr)]

    def _reader(self, pipe: IO[str] | None) -> threading.Thread:
        assert pipe is not None

        def read() -> None:
            with pipe:
                for line in pipe:
                    with self._new:
                        self.lines.append(line.rstrip("\n"))
                        self._new.notify_all()

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)

    def line(self, pattern: str, *, nth: int = 1) -> re.Match[str]:
        """Wait for the nth line in which a pattern is found."""

        def found() -> re.Match[str] | None:
            matches = [m for m in (re.search(pattern, line) for line in self.lines) if m]
            return matches[nth - 1] if len(matches) >= nth else None

        with self._new:
            self._new.wait_for(lambda: found() or self.process.poll() is not None, PATIENCE_SECONDS)
        match = found()
        assert match is not None, f"no {pattern!r} in:\n{self.text}"
        return match

    def starts(self, unit: str) -> int:
        """How often a unit has become ready so far."""
        return sum(f'"{unit} is ready on ' in line for line in self.lines)

    def url(self, unit: str, *, start: int | None = None) -> str:
        """Where a unit serves HTTP since it became ready for the nth time, which is waited for, or the last one."""
        return self.line(rf'"{unit} is ready on (http://[^ "]+) after', nth=start or self.starts(unit))[1]

    def pid(self, unit: str) -> int:
        """Process id of a unit; of one of several replicas when it is named like its lines, `money.2`."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        if not children.exists():
            pytest.skip("only on Linux: finds processes in /proc")
        for pid in map(int, children.read_text().split()):
            with contextlib.suppress(OSError):
                if f"/{unit}.sock\0" in Path(f"/proc/{pid}/environ").read_text():
                    return pid
        raise AssertionError(f"{unit} does not run")

    def signal(self, unit: str, number: signal.Signals) -> None:
        """Send a signal to one unit."""
        os.kill(self.pid(unit), number)

    def terminate(self) -> None:
        """Ask for a stop, as an orchestrator does."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Wait for the end and its last lines. Returns: the exit code."""
        code = self.process.wait(PATIENCE_SECONDS)
        for reader in self._readers:
            reader.join(PATIENCE_SECONDS)
        return code

    def stop(self) -> int:
        """Ask for a stop and wait for it. Returns: the exit code."""
        self.terminate()
        return self.wait()

    def kill(self) -> None:
        """Whatever is left of it goes."""
        self.process.kill()  # its units see that and end themselves
        self.wait()


@pytest.fixture(scope="module")
def short_tmp() -> Iterator[Path]:
    """A temporary folder whose path leaves room for sockets, which may have about 100 bytes."""
    with tempfile.TemporaryDirectory(prefix="c", dir="/tmp") as folder:
        yield Path(folder)


@contextlib.contextmanager
def calve_run(folder: Path, tmp: Path, *arguments: str, **settings: str) -> Iterator[Running]:
    """`calve run …` in a project's folder; what is left of it at the end of the block is killed.

    Args:
        tmp: A short folder for sockets.
        settings: More environment variables.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "calve", "run", *arguments],
        cwd=folder,
        env=environment(TMPDIR=str(tmp), **{**SETTINGS, **settings}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running = Running(process)
    try:
        yield running
    finally:
        running.kill()


def copy_shop(folder: Path) -> Path:
    """The shop without its data. Returns: where it is."""
    left_out = shutil.ignore_patterns("data", ".calve", "tests", "conftest.py", "__pycache__")
    shutil.copytree(ROOT / "examples" / "shop", folder / "shop", ignore=left_out)
    return folder / "shop"


@pytest.fixture(scope="module")
def shop_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shop."""
    return copy_shop(tmp_path_factory.mktemp("system"))


@pytest.fixture(scope="module")
def shop(shop_folder: Path, short_tmp: Path) -> Iterator[Running]:
    """The shop as three processes; started once per module, stopped cleanly at its end."""
    with calve_run(shop_folder, short_tmp, "--topology", "split") as running:
        running.line("shop is ready")
        yield running
        assert running.stop() == 0


def calve(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `calve …` to its end in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "calve", *arguments],
        cwd=folder,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


# A small project ------------------------------------------------------------------------------------------------------


@pytest.fixture
def till(tmp_path: Path) -> Path:
    """Such a project of the test's own."""
    return write_till(tmp_path / "project")


# The shop over HTTP ---------------------------------------------------------------------------------------------------


def open_wallet(url: str, cents: int = 0) -> UUID:
    """A new customer with money. Returns: who it is."""
    owner = uuid4()
    assert request(f"{url}/wallets/{owner}", "PUT").status == 200
    if cents:
        assert deposit(url, owner, cents).status == 200
    return owner


def deposit(url: str, owner: UUID, cents: int, reference: UUID | None = None, **headers: str) -> Answer:
    """Put money into a wallet."""
    body = {"cents": cents, "reference": str(reference or uuid4())}
    return request(
        f"{url}/wallets/{owner}/deposits", "POST", body, {k.replace("_", "-"): v for k, v in headers.items()}
    )


def references(url: str, owner: UUID) -> list[str]:
    """References of everything that ever happened to a wallet, the newest first."""
    found: list[str] = []
    before = ""
    while True:
        page = request(f"{url}/wallets/{owner}/statement?limit=100{before}").json()
        found += [entry["reference"] for entry in page["entries"]]
        if page["next_before"] is None:
            return found
        before = f"&before={page['next_before']}"


def place_order(url: str, customer: UUID, order: UUID | None = None, sku: str = "KIT-00000") -> Answer:
    """Order one thing."""
    body = {"id": str(order or uuid4()), "customer": str(customer), "items": [{"sku": sku, "quantity": 1}]}
    return request(f"{url}/orders", "POST", body)


def in_flight(url: str, service: str, operation: str, side: str = "server") -> float:
    """How many calls of an operation a unit works on."""
    from prometheus_client.parser import text_string_to_metric_families

    labels = {"service": service, "operation": operation, "side": side}
    for family in text_string_to_metric_families(request(f"{url}/metrics").body.decode()):
        if family.name == "calve_operation_in_flight":
            return sum(s.value for s in family.samples if labels.items() <= s.labels.items())
    raise AssertionError("no such metric")


def refuses(url: str) -> bool:
    """Whether nobody listens at a URL any more."""
    where = urlsplit(url)
    try:
        socket.create_connection((where.hostname, where.port), timeout=PATIENCE_SECONDS).close()
    except ConnectionRefusedError:
        return True
    return False
