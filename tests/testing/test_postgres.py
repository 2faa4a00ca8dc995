"""PostgreSQL for tests: made, gone afterwards, and a reason to skip when there is none."""

from __future__ import annotations

import socket

import asyncpg
import pytest

from calve.store.postgres import PostgresStore
from calve.testing.postgres import Missing, admin_connection, own_server, temporary_database, temporary_stores


async def test_without_a_server_the_reason_says_how_to_get_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Missing, match=r"needs PostgreSQL: start one on 127\.0\.0\.1:5432"):
        await admin_connection(f"postgresql://me@127.0.0.1:{port}/db")


def test_without_binaries_the_reason_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calve.testing.postgres.shutil.which", lambda name: None)
    monkeypatch.setattr("calve.testing.postgres.Path.glob", lambda *_: iter(()))
    with pytest.raises(Missing, match="needs PostgreSQL's binaries: apt-get"), own_server():
        pass


async def test_a_database_is_gone_afterwards() -> None:
    try:
        async with temporary_database() as target, await PostgresStore.open(target) as store:
            assert await store.one("SELECT 1 AS one", int) == 1
    except Missing as missing:
        pytest.skip(str(missing))
    admin = await admin_connection()
    try:
        assert await admin.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", target.database) == 0
        assert await admin.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", target.user) == 0
    finally:
        await admin.close()


async def test_stores_are_gone_even_after_an_error() -> None:
    url = ""
    try:
        async with temporary_stores(("a", "b")) as url:
            raise ZeroDivisionError
    except Missing as missing:
        pytest.skip(str(missing))
    except ZeroDivisionError:
        pass
    assert "{service}" in url
    name = url.partition("//")[2].partition("_{")[0]
    admin = await admin_connection()
    try:
        assert await admin.fetchval("SELECT count(*) FROM pg_roles WHERE rolname LIKE $1", f"{name}%") == 0
    finally:
        await admin.close()


async def test_a_server_of_our_own_asks_for_a_password() -> None:
    try:
        with own_server() as server, pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(host="127.0.0.1", port=server.port, user=server.user, password="wrong")
    except Missing as missing:
        pytest.skip(str(missing))
