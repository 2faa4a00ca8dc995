"""A program for the tests of the supervisor: both ends of it with a unit that has no services.

    python fake_unit.py supervise FILE TOPOLOGY     what `calve run` does, with the units below
    python fake_unit.py unit FILE TOPOLOGY NAME     what `calve run --unit` does

A fake unit listens on its socket and answers one line per connection: to `hold` it says `holding`, then waits for one
more line, and answers that with `done`; this is a call in flight. To `who` it says its process id. What it does wrong
is said by FAKE_<UNIT>:

    config    it refuses to start with a ConfigError        crash    it raises when it starts
    port      it meets a port that is taken                 once     it crashes at its first start only
    second    it starts once, and crashes from then on
    early     it ends with exit code 2, saying nothing      deaf     it hangs when it is asked to stop
    slow      it never gets ready                           noisy    it writes long lines on both outputs at once
    moody     it is ready, but a check of it fails          errors   half of its calls failed, it says
    mortal    it ends as soon as it is ready                hung     its event loop hangs as soon as it is ready
    lazy      it never gets checked                         clingy   it does not release what it has
    astray    it cannot open again what it has released

FAKE_FILES_<UNIT> names a service of it whose store is a file.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import time
from pathlib import Path

from calve.core.errors import CalveError, ConfigError
from calve.runtime import unit
from calve.runtime.config import AppConfig, load_config
from calve.runtime.health import Health
from calve.runtime.plan import Process, ServiceFacts, make_plan
from calve.runtime.sockets import Sockets
from calve.runtime.supervisor import supervise
from calve.runtime.topology import Topology
from calve.runtime.unit import Tally, run_unit


class FakeUnit:
    """A UnitApp."""

    def __init__(self, config: AppConfig, topology: Topology, name: str, sockets: Sockets) -> None:
        self.health = Health()
        self.health.check("mood", self._mood)
        self.files = tuple(filter(None, (os.environ.get(f"FAKE_FILES_{name.upper()}"),)))
        self._sockets = sockets
        self.url: str | None = None
        self._config, self._name = config, name
        self._listen = config.units[name].listen or ""
        self._fault = os.environ.get(f"FAKE_{name.upper()}", "")
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._opened = False

    def survives(self, error: SystemExit) -> bool:
        """It has no adopted applications."""
        return False

    @property
    def tally(self) -> Tally:
        return Tally(100, 50 if self._fault == "errors" else 0)

    async def _mood(self) -> None:
        if self._fault == "moody":
            raise ValueError("bad")

    async def prepare(self) -> None:
        if self._fault == "lazy":
            await asyncio.Event().wait()

    async def start(self) -> None:
        self.health.progress("opening nothing")
        await self._misbehave()
        if self._sockets.wire is not None:
            self._server = await asyncio.start_unix_server(self._accept, sock=self._sockets.wire.dup())
        else:
            self._server = await asyncio.start_unix_server(self._accept, self._listen.removeprefix("unix:"))
        http = self._sockets.http
        port = http.getsockname()[1] if http is not None else self._config.units[self._name].http_port
        self.url = f"http://127.0.0.1:{port}"
        say(f"pid {os.getpid()} listens on {self._listen}")
        if self._fault in ("mortal", "hung"):
            asyncio.get_running_loop().call_later(0.01, os._exit if self._fault == "mortal" else time.sleep, 1000)

    async def _misbehave(self) -> None:
        if self._fault == "astray" and self._opened:
            raise ConfigError("0002_x.sql was applied, but the file is not there", fix="restore it")
        self._opened = True
        if self._fault == "config":
            raise ConfigError("the moon is in the way", where="calve.toml:7", fix="wait a fortnight")
        again = self._fault in ("once", "second") and _second_start(self._config)
        if self._fault == "crash" or (self._fault == "once" and not again) or (self._fault == "second" and again):
            raise RuntimeError("a bug")
        if self._fault == "slow":
            say(f"pid {os.getpid()} never gets ready")
            await asyncio.Event().wait()
        if self._fault == "port":
            taken = socket.create_server(("127.0.0.1", 0))
            await asyncio.start_server(lambda *_: None, *taken.getsockname()[:2])
        if self._fault == "noisy":
            for fd in (1, 2):
                threading.Thread(target=_shout, args=(fd,), daemon=True).start()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._hold(reader, writer))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline() == b"who\n":
            writer.write(f"{os.getpid()}\n".encode())
            writer.close()
            return
        writer.write(b"holding\n")
        await reader.readline()
        writer.write(b"done\n")
        await writer.drain()
        writer.close()

    async def drain(self, delay_seconds: float, grace_seconds: float) -> None:
        await asyncio.sleep(delay_seconds)
        if self._server is not None:
            self._server.close()
        say(f"drains in state {self.health.state}")
        if self._fault == "deaf":
            threading.Event().wait()
        await asyncio.wait_for(asyncio.gather(*self._calls), grace_seconds)

    async def release(self) -> None:
        if self._fault == "clingy":
            await asyncio.Event().wait()

    async def stop(self) -> None:
        say("stops")


def say(text: str) -> None:
    """Write a line at once; `print` writes its end separately when it is not buffered."""
    os.write(1, f"{text}\n".encode())


def _second_start(config: AppConfig) -> bool:
    mark = config.root / "started"
    seen = mark.exists()
    mark.touch()
    return seen


def _shout(fd: int) -> None:
    for number in range(200):
        os.write(fd, f"{number:04d} ".encode() + b"x" * 3000 + b"\n")


def main(arguments: list[str]) -> int:
    """Run as told."""
    unit.STOP_SECONDS = 0.2  # nobody closes stores here
    what, file, topology_name, *rest = arguments
    config = load_config(file)
    topology = config.topology(topology_name)
    if what == "unit":
        if os.environ.get(f"FAKE_{rest[0].upper()}") == "early":
            return 2
        return run_unit(config, topology, rest[0], FakeUnit)
    facts = {
        "orders": ServiceFacts("Orders 1.0", frozenset({"wallet", "catalog"})),
        "catalog": ServiceFacts("Catalog 1.0", stores=False),
    }

    def command(process: Process) -> list[str]:
        return [sys.executable, str(Path(__file__)), "unit", file, topology_name, process.unit.name]

    return supervise(config, make_plan(config, topology, facts), command)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CalveError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
