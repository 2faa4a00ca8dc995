"""Through pgbouncer in transaction mode: the same rules, though every transaction may be on another connection."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from calve.core.errors import ConfigError
from calve.store import PostgresTarget, Store, Transaction
from calve.store.postgres import PostgresOptions, PostgresStore
from calve.testing.postgres import Missing, temporary_database
from calve.testing.store_suite import Features, StoreSuite

from .conftest import emptied, put, superuser
from .test_conformance import POSTGRES_SCHEMA

CONNECTIONS = 3
"""Of the server, for all clients: fewer than the clients have, so that they are passed around."""


@contextlib.contextmanager
def pooler(target: PostgresTarget, **settings: str) -> Iterator[PostgresTarget]:
    """A pgbouncer in front of a database, for the time of the block."""
    command = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    if not os.access(command, os.X_OK):
        pytest.skip("needs pgbouncer: apt-get install pgbouncer")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    options = {
        "listen_addr": "127.0.0.1",
        "listen_port": str(port),
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": "transaction",
        "default_pool_size": str(CONNECTIONS),
        **settings,
    }
    place = f"host={target.host} port={target.port} dbname={target.database} user={target.user}"
    lines = ["[databases]", f"* = {place}", "[pgbouncer]", *(f"{key} = {value}" for key, value in options.items())]
    with tempfile.TemporaryDirectory(prefix="calve-bouncer-") as folder:
        file, user = Path(folder, "pgbouncer.ini"), "nobody" if os.geteuid() == 0 else None
        file.write_text("\n".join(lines))
        os.chmod(folder, 0o755)
        log = Path(folder, "log")
        with log.open("wb") as written:
            process = subprocess.Popen([command, str(file)], stdout=written, stderr=written, user=user)
        try:
            while "process up" not in log.read_text():
                assert process.poll() is None, log.read_text()
            yield msgspec.structs.replace(target, port=port, schema=None)
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="module")
def pooled() -> Iterator[PostgresTarget]:
    """A database of this module's own behind a pooler."""
    with asyncio.Runner() as runner:
        made = temporary_database()
        try:
            target = runner.run(made.__aenter__())
        except Missing as missing:
            pytest.skip(str(missing))
        try:
            with pooler(target) as through:
                yield through
        finally:
            runner.run(made.__aexit__(None, None, None))


@pytest.fixture
async def empty(pooled: PostgresTarget, database: PostgresTarget) -> PostgresTarget:
    """That database without any row."""
    await emptied(msgspec.structs.replace(pooled, port=database.port))
    return pooled


class TestPooled(StoreSuite):
    """The whole suite."""

    features = Features(reopens=True, zero_in_text=False)
    schema = POSTGRES_SCHEMA

    @pytest.fixture(autouse=True)
    def _target(self, empty: PostgresTarget) -> None:
        self.target = empty

    async def open_store(self) -> Store:
        store = await PostgresStore.open(self.target, self.schema)
        assert store._home.server.pooled
        return store


async def test_more_clients_than_connections(empty: PostgresTarget) -> None:
    options = PostgresOptions(connections_max=4 * CONNECTIONS)
    async with (
        await PostgresStore.open(empty, POSTGRES_SCHEMA, options) as one,
        await PostgresStore.open(empty, POSTGRES_SCHEMA, options) as other,
    ):
        await put(one, "ada", 0)

        async def add(tx: Transaction) -> None:
            cents = await tx.one("SELECT cents FROM account WHERE owner = :owner", int, owner="ada")
            assert cents is not None
            await tx.execute("UPDATE account SET cents = :cents WHERE owner = :owner", owner="ada", cents=cents + 1)

        async def look(store: PostgresStore) -> None:
            async with store.read() as reader:
                first = await reader.one("SELECT cents FROM account", int)
                assert await reader.one("SELECT cents FROM account", int) == first
            assert await store.one("SELECT count(*) AS n FROM account WHERE owner = :owner", int, owner="ada") == 1

        work = [store.transact(add) for store in (one, other) for _ in range(30)]
        looks = [look(store) for store in (one, other) for _ in range(30)]
        await asyncio.gather(*work, *looks)
        assert await one.one("SELECT cents FROM account", int) == 60


async def test_nothing_is_left_on_a_connection(empty: PostgresTarget, database: PostgresTarget) -> None:
    async with await PostgresStore.open(empty, POSTGRES_SCHEMA) as store:
        for owner in ("ada", "bob"):
            await put(store, owner, 0)
            await store.all("SELECT owner FROM account WHERE cents = :cents", cents=0)
            async with store.read() as reader:
                await reader.one("SELECT 1")

        async def left(tx: Transaction) -> None:
            assert await tx.all("SELECT name FROM pg_prepared_statements WHERE name <> ''") == []
            locks = "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
            assert await tx.one(locks, int) == 0
            source = "SELECT count(*) AS n FROM pg_settings WHERE source = 'session' AND name NOT LIKE '%timeout'"
            own = "('application_name', 'client_encoding', 'transaction_isolation', 'transaction_read_only')"
            assert await tx.one(f"{source} AND name NOT IN {own}", int) == 0

        await store.transact(left)


async def test_a_pooler_that_drops_parameters_without_a_word_is_seen(
    target: PostgresTarget, database: PostgresTarget
) -> None:
    names = "default_transaction_read_only, idle_in_transaction_session_timeout, statement_timeout, search_path"
    async with superuser(target) as connection:
        await connection.execute(f'ALTER ROLE "{target.user}" IN DATABASE "{target.database}" SET search_path = x')
        try:
            with pooler(target, ignore_startup_parameters=names) as through:
                here = msgspec.structs.replace(through, schema=target.schema)
                with pytest.raises(ConfigError, match=r"through the pooler, .* run ALTER ROLE .* SET search_path"):
                    await PostgresStore.open(here, POSTGRES_SCHEMA)
                await connection.execute(
                    f'ALTER ROLE "{target.user}" IN DATABASE "{target.database}" SET search_path = "{target.schema}"'
                )
            with pooler(target, ignore_startup_parameters=names) as through:
                here = msgspec.structs.replace(through, schema=target.schema)
                async with await PostgresStore.open(here, POSTGRES_SCHEMA) as store:
                    assert store._home.server.pooled
                    await put(store, "ada", 1)
        finally:
            await connection.execute(f'ALTER ROLE "{target.user}" IN DATABASE "{target.database}" RESET search_path')
