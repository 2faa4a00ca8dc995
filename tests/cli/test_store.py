"""`calve store create`: the SQL it prints, what it does, and what it refuses."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from calve.store import postgres_target
from calve.testing.postgres import DEFAULT, Missing, admin_connection

from .conftest import CalveCommand

URL = "postgresql://{service}@127.0.0.1/shop?schema={service}"


def test_it_prints_sql_for_psql(calve: CalveCommand) -> None:
    done = calve("store", "create", CALVE_STORE_URL=URL, CALVE_STORE_PASSWORD="hunter2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "-- purse: postgresql://purse@127.0.0.1:5432/shop?schema=purse" in done.stdout
    assert 'CREATE SCHEMA IF NOT EXISTS "purse" AUTHORIZATION "purse";' in done.stdout
    assert "desk" not in done.stdout  # it has no store
    assert "hunter2" not in done.stdout


@pytest.mark.parametrize(
    ("args", "environ", "line"),
    [
        ((), {}, "no service has a store on PostgreSQL; write for example postgresql://"),
        (("pruse",), {"CALVE_STORE_URL": URL}, "no service 'pruse'; did you mean 'purse'"),
        (
            ("--admin", "postgresql://postgres@elsewhere/postgres"),
            {"CALVE_STORE_URL": URL},
            "--admin: the store of 'purse' is on 127.0.0.1:5432, not on elsewhere:5432",
        ),
        (("--admin", "postgresql://postgres:hunter2@127.0.0.1/postgres"), {"CALVE_STORE_URL": URL}, "has a password"),
        (
            ("--admin", "postgresql://postgres@127.0.0.1:1/postgres"),
            {"CALVE_STORE_URL": URL.replace("0.1/", "0.1:1/")},
            "no PostgreSQL server answers at 127.0.0.1:1",
        ),
    ],
)
def test_what_it_refuses(calve: CalveCommand, args: tuple[str, ...], environ: dict[str, str], line: str) -> None:
    done = calve("store", "create", *args, **environ)
    assert (done.returncode, done.stdout) == (2, "")
    assert line in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr


def test_it_makes_what_is_needed_and_may_be_repeated(calve: CalveCommand) -> None:
    at, name = postgres_target(DEFAULT, service="postgres"), f"calve_test_{uuid4().hex[:12]}"

    async def clean(url: str) -> None:
        admin = await admin_connection()
        await admin.execute(f'DROP DATABASE IF EXISTS "{name}"')
        await admin.execute(f'DROP ROLE IF EXISTS "{name}_purse"')
        await admin.close()

    async def connect() -> None:
        connection = await asyncpg.connect(host=at.host, port=at.port, user=f"{name}_purse", database=name)
        assert await connection.fetchval("SELECT current_schema()") == "purse"
        await connection.close()

    try:
        asyncio.run(clean(name))
    except Missing as missing:
        pytest.skip(str(missing))
    url = f"postgresql://{name}_{{service}}@{at.host}:{at.port}/{name}?schema={{service}}"
    try:
        for _ in range(2):
            done = calve("store", "create", "purse", "--admin", DEFAULT, CALVE_STORE_URL=url)
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout == f"purse: postgresql://{name}_purse@{at.host}:{at.port}/{name}?schema=purse\n"
        asyncio.run(connect())
    finally:
        asyncio.run(clean(name))
