"""Roles, databases and schemas on the real server: no service reads another one's tables."""

from __future__ import annotations

import asyncio
import base64
import shutil
import subprocess
from collections.abc import AsyncIterator

import asyncpg
import msgspec
import pytest

from calve.core.errors import ConfigError
from calve.core.secret import Secret
from calve.store import PostgresTarget, postgres_target
from calve.store.postgres import PostgresStore
from calve.store.postgres.provision import provision, script, verifier
from calve.testing.postgres import OwnServer, temporary_stores

from .conftest import ACCOUNTS, connected, put

PASSWORD = Secret(OwnServer.password)


@pytest.fixture
async def services(database: PostgresTarget) -> AsyncIterator[dict[str, PostgresTarget]]:
    """Two services with a schema each in one database."""
    async with temporary_stores(("wallet", "orders")) as template:
        yield {name: postgres_target(template, service=name) for name in ("wallet", "orders")}


def _attempts(theirs: PostgresTarget) -> list[str]:
    return [
        f'SELECT * FROM "{theirs.schema}".account',
        f"INSERT INTO \"{theirs.schema}\".account VALUES ('eve', 1)",
        f'DROP TABLE "{theirs.schema}".account',
        f'CREATE TABLE "{theirs.schema}".mine (x INT)',
        f'GRANT ALL ON "{theirs.schema}".account TO PUBLIC',
        f'SET ROLE "{theirs.user}"',
        "CREATE TABLE public.shared (x INT)",
        "CREATE SCHEMA another",
        "CREATE DATABASE another",
        "CREATE ROLE another SUPERUSER",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ]


async def test_a_service_cannot_reach_what_is_another_ones(services: dict[str, PostgresTarget]) -> None:
    mine, theirs = services["orders"], services["wallet"]
    async with await PostgresStore.open(theirs, ACCOUNTS) as store:
        await put(store, "ada", 1)
    async with await PostgresStore.open(mine, ACCOUNTS) as store:
        assert await store.all("SELECT * FROM account") == []
    async with connected(mine) as connection:
        for sql in _attempts(theirs):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(sql)
    async with await PostgresStore.open(theirs, ACCOUNTS) as store:
        assert await store.all("SELECT owner FROM account", str) == ["ada"]


@pytest.fixture
def at(server: OwnServer) -> PostgresTarget:
    """The superuser on our own server."""
    return postgres_target(server.url, service="postgres")


def _targets(at: PostgresTarget, template: str) -> dict[str, PostgresTarget]:
    url = template.replace("HOST", f"{at.host}:{at.port}")
    return {name: postgres_target(url, service=name) for name in ("wallet", "orders")}


async def test_a_database_for_each(at: PostgresTarget) -> None:
    targets = _targets(at, "postgresql://d_{service}@HOST/d_{service}")
    secrets = {name: Secret(f"{name}'s passwörd" if name == "orders" else f"{name}'s \\ password") for name in targets}
    for _ in range(2):
        await provision(at, PASSWORD, [(target, secrets[name]) for name, target in targets.items()])
    for name, target in targets.items():
        async with await PostgresStore.open(target, ACCOUNTS, password=secrets[name]) as store:
            await put(store, name, 1)
    with pytest.raises(ConfigError, match="refuses the password of role 'd_wallet'"):
        await PostgresStore.open(targets["wallet"], ACCOUNTS, password=secrets["orders"])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with connected(msgspec.structs.replace(targets["orders"], user="d_wallet"), secrets["wallet"].reveal()):
            pass


async def test_somebody_who_is_no_superuser_can_do_it(at: PostgresTarget, server: OwnServer) -> None:
    admin = await asyncpg.connect(
        host=at.host, port=at.port, user=at.user, database="postgres", password=server.password
    )
    await admin.execute("CREATE ROLE manager LOGIN CREATEDB CREATEROLE PASSWORD 'm'")
    await admin.close()

    manager = msgspec.structs.replace(at, user="manager")
    for template in (
        "postgresql://m_{service}@HOST/m_{service}",
        "postgresql://ms_{service}@HOST/manager_shop?schema={service}",
    ):
        targets = _targets(at, template)
        for _ in range(2):
            await provision(manager, Secret("m"), [(target, Secret("s")) for target in targets.values()])
        for target in targets.values():
            async with await PostgresStore.open(target, ACCOUNTS, password=Secret("s")) as store:
                await put(store, "ada", 1)


async def test_the_script_does_the_same_and_may_be_repeated(at: PostgresTarget, server: OwnServer) -> None:
    psql = shutil.which("psql")
    if psql is None:
        pytest.skip("needs psql: apt-get install postgresql-client")
    targets = _targets(at, "postgresql://s_{service}@HOST/s_shop?schema={service}")
    command = [psql, "-X", "-q", "-h", at.host, "-p", str(at.port), "-U", at.user, "-d", "postgres"]
    for _ in range(2):
        done = await asyncio.to_thread(
            subprocess.run,
            command,
            input=script(targets).encode(),
            env={"PGPASSWORD": server.password},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, b""), done.stderr
    admin = await asyncpg.connect(
        host=at.host, port=at.port, user=at.user, database="postgres", password=server.password
    )
    for target in targets.values():
        await admin.execute(f"ALTER ROLE {target.user} PASSWORD 's'")
        async with await PostgresStore.open(target, ACCOUNTS, password=Secret("s")) as store:
            await put(store, "ada", 1)
    await admin.close()


async def test_an_admin_who_may_not_is_told(at: PostgresTarget, server: OwnServer) -> None:
    admin = await asyncpg.connect(
        host=at.host, port=at.port, user=at.user, database="postgres", password=server.password
    )
    await admin.execute("CREATE ROLE nobody_special LOGIN PASSWORD 'n'")
    await admin.close()

    weak = msgspec.structs.replace(at, user="nobody_special")
    target = postgres_target(f"postgresql://x@{at.host}:{at.port}/x", service="x")
    with pytest.raises(ConfigError, match="role 'nobody_special' lacks a right: permission denied to create role"):
        await provision(weak, Secret("n"), [(target, None)])


def test_names_are_quoted() -> None:
    target = PostgresTarget(host="h", user='a"b', database="it's", schema="c\\d")
    text = script({"x": target})
    assert '"a""b"' in text
    assert "datname = 'it''s'" in text
    assert '"c\\d"' in text


def test_a_verifier_is_what_the_server_would_make() -> None:
    # The example of RFC 7677: user "user", password "pencil".

    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    made = verifier(Secret("pencil"), salt)
    assert made.startswith("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$")
    assert made.endswith(":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")
    assert "pencil" not in verifier(Secret("pencil"))
