"""What is said when the server cannot be used, with the next step and never with the password."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from typing import Any

import asyncpg
import msgspec
import pytest

from calve.core.errors import ConfigError
from calve.core.secret import Secret
from calve.store import PostgresTarget, postgres_target
from calve.store.postgres import PostgresOptions, PostgresStore
from calve.store.postgres.connecting import Server, unusable
from calve.testing.postgres import OwnServer

from .conftest import superuser

PASSWORD = Secret(OwnServer.password)


async def refusal(target: PostgresTarget, password: Secret | None = None, **options: Any) -> str:
    """What opening a store says."""
    with pytest.raises(ConfigError) as caught:
        await PostgresStore.open(target, (), PostgresOptions(**options), password=password)
    text = str(caught.value)
    assert str(target) in text
    assert "hunter2" not in text
    return text


@pytest.fixture
def at(server: OwnServer) -> PostgresTarget:
    """The superuser's database on our own server."""
    return postgres_target(server.url, service="postgres")


async def test_a_password_opens(at: PostgresTarget) -> None:
    async with await PostgresStore.open(at, (), password=PASSWORD) as store:
        assert await store.one("SELECT 1 AS one", int) == 1
        assert OwnServer.password not in repr(store.target)


@pytest.mark.parametrize(
    ("changes", "password", "text"),
    [
        ({}, Secret("hunter2"), "the server refuses the password of role 'postgres'; set CALVE_STORE_PASSWORD"),
        ({"user": "nobody"}, Secret("hunter2"), "refuses the password of role 'nobody'"),
        ({}, None, "password of role 'postgres'; set CALVE_STORE_PASSWORD"),
        ({"database": "nowhere"}, PASSWORD, "there is no database 'nowhere'; run `calve store create`"),
        ({"schema": "nowhere"}, PASSWORD, "there is no schema 'nowhere'; run `calve store create`"),
        ({"sslmode": "require"}, PASSWORD, "SSL|ssl"),
    ],
)
async def test_what_the_server_refuses(
    at: PostgresTarget, changes: dict[str, Any], password: Secret | None, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    message = await refusal(msgspec.structs.replace(at, **changes), password)

    assert re.search(text, message), message


async def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    target = PostgresTarget(host="127.0.0.1", port=port, user="me", database="db")
    assert "no PostgreSQL server answers at 127.0.0.1" in await refusal(target)


async def test_somebody_answers_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = PostgresTarget(host="127.0.0.1", port=silent.getsockname()[1], user="me", database="db")
        assert "no answer from 127.0.0.1" in await refusal(target, connect_seconds=0.1)


async def test_a_name_that_nobody_knows() -> None:
    target = PostgresTarget(host="db.invalid", user="me", database="db")
    assert "no PostgreSQL server answers at db.invalid:5432" in await refusal(target)


async def test_no_connection_left(at: PostgresTarget) -> None:
    held = []
    try:
        with contextlib.suppress(asyncpg.PostgresError):
            while True:
                held.append(await Server(at, PASSWORD, PostgresOptions()).connect())
        assert "the server has no connection left; raise max_connections" in await refusal(at, PASSWORD)
    finally:
        for connection in held:
            await connection.close()


async def test_a_server_that_is_too_old(target: PostgresTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calve.store.postgres.connecting.VERSION_MIN", 99)
    assert "and 99 is the oldest that will do; upgrade the server" in await refusal(target)


async def test_a_schema_where_the_role_may_make_nothing(target: PostgresTarget) -> None:
    async with superuser(target) as connection:
        await connection.execute(f'ALTER SCHEMA "{target.schema}" OWNER TO postgres')
        await connection.execute(f'GRANT USAGE ON SCHEMA "{target.schema}" TO "{target.user}"')
    assert f"role '{target.user}' may not make tables in schema '{target.schema}'" in await refusal(target)


async def test_a_database_where_the_role_has_nothing_at_all(target: PostgresTarget) -> None:
    bare = msgspec.structs.replace(target, schema=None)
    async with superuser(target) as connection:
        await connection.execute(f"CREATE ROLE {target.schema} LOGIN")
        try:
            bare = msgspec.structs.replace(bare, user=target.schema)
            assert "may not make tables in schema 'public'" in await refusal(bare)
        finally:
            await connection.execute(f"DROP ROLE {target.schema}")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ssl.SSLCertVerificationError("self-signed"), "no encrypted connection"),
        (asyncpg.CannotConnectNowError("starting up"), "not ready: starting up; try again"),
        (asyncpg.InvalidAuthorizationSpecificationError("no entry"), "does not let role 'me' in: no entry"),
        (asyncpg.InsufficientPrivilegeError("denied"), "lacks a right: denied"),
        (asyncpg.ProtocolViolationError("no such database: db"), "there is no database 'db'"),
        (asyncpg.InternalServerError("boom"), "cannot be opened: boom; see the server's log"),
    ],
)
def test_other_errors(error: Exception, text: str) -> None:
    target = PostgresTarget(host="h", user="me", database="db")
    assert text in str(unusable(target, error))
