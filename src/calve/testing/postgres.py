"""PostgreSQL for tests: a database that vanishes, on a server that is there, or a server of the test's own.

    async with temporary_database() as url:                   on the server that CALVE_TEST_POSTGRES names
        store = await PostgresStore.open(url, load_schema(folder, "postgres"))

    with own_server(tmp_path) as server:                      started from the binaries of this machine
        server.kill(); server.start()

Without a server or without binaries they raise `Missing`, whose text says how to get one.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from ..store import PostgresTarget, postgres_target

VARIABLE = "CALVE_TEST_POSTGRES"
DEFAULT = "postgresql://postgres@127.0.0.1:5432/postgres"
GET_ONE = f"needs PostgreSQL: start one on 127.0.0.1:5432, or name a superuser of one in {VARIABLE} (default {DEFAULT})"
GET_BINARIES = "needs PostgreSQL's binaries: apt-get install postgresql"
_USER = "nobody"
"""Who a server of our own runs as when the tests run as root, which PostgreSQL refuses."""


class Missing(Exception):
    """What a test needs is not on this machine; the text is a reason to skip it."""


async def admin_connection(url: str | None = None) -> Any:
    """A connection as superuser.

    Args:
        url: Default: CALVE_TEST_POSTGRES, else the server on 127.0.0.1:5432.
    Raises: Missing: nobody answers there, or asyncpg is not installed.
    """
    try:
        import asyncpg
    except ImportError:
        raise Missing("needs asyncpg: pip install 'calve[postgres]'") from None
    target = postgres_target(url or os.environ.get(VARIABLE, DEFAULT), service="postgres")
    try:
        return await asyncpg.connect(
            host=target.host, port=target.port, user=target.user, database=target.database, timeout=5
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise Missing(f"{GET_ONE}: {error or type(error).__name__}") from None


@contextlib.asynccontextmanager
async def temporary_database(url: str | None = None, prefix: str = "calve_test") -> AsyncIterator[PostgresTarget]:
    """A new database with an owner of the same name, for the time of the block.

    Args: as for `admin_connection`.
    Raises: Missing: there is no server.
    """
    name = f"{prefix}_{uuid4().hex[:12]}"
    admin = await admin_connection(url)
    try:
        await admin.execute(f'CREATE ROLE "{name}" LOGIN')
        await admin.execute(f'CREATE DATABASE "{name}" OWNER "{name}"')
        at = postgres_target(url or os.environ.get(VARIABLE, DEFAULT), service="postgres")
        yield PostgresTarget(host=at.host, port=at.port, user=name, database=name)
    finally:
        await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await admin.execute(f'DROP ROLE IF EXISTS "{name}"')
        await admin.close()


@contextlib.asynccontextmanager
async def temporary_stores(services: Sequence[str], url: str | None = None) -> AsyncIterator[str]:
    """A new database with a schema and a role for each service; gives what to set `store.url` to.

    Args:
        services: Names of the services.
        url: As for `admin_connection`.
    Raises: Missing: there is no server.
    """
    name = f"calve_test_{uuid4().hex[:12]}"
    admin = await admin_connection(url)
    try:
        from ..store.postgres.provision import provision

        at = postgres_target(url or os.environ.get(VARIABLE, DEFAULT), service="postgres")
        template = f"postgresql://{name}_{{service}}@{at.host}:{at.port}/{name}?schema={{service}}"
        await provision(at, None, [(postgres_target(template, service=service), None) for service in services])
        yield template
    finally:
        await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        for service in services:
            await admin.execute(f'DROP ROLE IF EXISTS "{name}_{service}"')
        await admin.close()


class OwnServer:
    """A PostgreSQL server of a test's own; made by `own_server`.

    Attributes:
        port: On 127.0.0.1.
        user: Its superuser; its password is `password`.
    """

    user, password = "postgres", "of-the-tests"

    def __init__(self, binaries: Path, folder: Path, port: int, settings: Sequence[str]) -> None:
        self._binaries, self._folder, self.port, self._settings = binaries, folder, port, settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of its superuser, without the password."""
        return f"postgresql://{self.user}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [
            str(self._binaries / "postgres"), "-D", str(self._folder / "data"), "-p", str(self.port),
            "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self._folder}",
            *(word for setting in self._settings for word in ("-c", setting)),
        ]  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, user=_user(), cwd=self._folder, start_new_session=True
            )
        ready = [str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while subprocess.call(ready) != 0:
            if self._process.poll() is not None:
                raise AssertionError(f"the server did not start:\n{self.log()}")

    def kill(self) -> None:
        """Kill the whole server at once, as a lost machine would."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)
            for line in self._children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(line, signal.SIGKILL)
            self._process.wait()

    def _children(self) -> list[int]:
        """Backends are sessions of their own, so they do not die with the postmaster at once."""
        assert self._process is not None
        listed = subprocess.run(["pgrep", "-P", str(self._process.pid)], capture_output=True, text=True, check=False)
        return [int(word) for word in listed.stdout.split()]

    def stop(self) -> None:
        """Stop it at once, connections notwithstanding."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)

    def log(self) -> str:
        """What it wrote."""
        return (self._folder / "log").read_text(errors="replace")


@contextlib.contextmanager
def own_server(*settings: str) -> Iterator[OwnServer]:
    """A server that only this test knows, for the time of the block; it asks for passwords.

    Args:
        settings: As in postgresql.conf, such as `max_connections=20`.
    Raises: Missing: the binaries are not on this machine.
    """
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="calve-pg-"))
    try:
        password = folder / "password"
        password.write_text(OwnServer.password)
        if (user := _user()) is not None:
            shutil.chown(folder, user)
            shutil.chown(password, user)
        subprocess.run(
            [
                str(binaries / "initdb"), "-D", str(folder / "data"), "-U", OwnServer.user, "--no-sync", "-E", "UTF8",
                "--locale=C", "--auth=scram-sha-256", f"--pwfile={password}",
            ],
            check=True, capture_output=True, user=_user(), cwd=folder,
        )  # fmt: skip
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        server = OwnServer(binaries, folder, port, settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_binaries() -> Path:
    """The folder of `postgres` and `initdb`, the newest version there is. Raises Missing."""
    found = [Path(path).resolve().parent for path in (shutil.which("initdb"),) if path]
    found += sorted(
        (path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")),
        key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0),
        reverse=True,
    )
    if not found:
        raise Missing(GET_BINARIES)
    return found[0]


def _user() -> str | None:
    return _USER if os.geteuid() == 0 else None
