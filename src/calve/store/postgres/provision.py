"""Roles, databases and schemas for services, so that none can read another's tables. Every step may be repeated.

    a database per service                          a schema per service
    role, which may log in                          role, which may log in
    database, owned by the role                     database, shared
      nobody else may connect                         only these roles may connect
                                                      nobody may use the schema public
                                                    schema, owned by the role, which finds it by itself

As a script for psql, or run over a connection of a superuser (or of a role that may make roles and databases).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ...core.place import PostgresTarget
from ...core.secret import Secret
from .connecting import Server, quote_name, unusable
from .errors import FOREIGN
from .options import PostgresOptions

_ITERATIONS = 4096


class Step(NamedTuple):
    """One step."""

    database: str | None
    """Where it is run; None anywhere."""
    sql: str
    generates: bool = False
    """Whether its rows are the statements to run, so that what exists is left alone."""


def steps(target: PostgresTarget) -> Iterator[Step]:
    """What one service needs."""
    role, database = quote_name(target.user), quote_name(target.database)
    yield _unless(f"CREATE ROLE {role} LOGIN", f"pg_roles WHERE rolname = {_literal(target.user)}")
    owner = f" OWNER {role}" if target.schema is None else ""
    known = f"pg_database WHERE datname = {_literal(target.database)}"
    # Whoever is no superuser has to be a member of a role to give it something.
    member = "pg_roles WHERE rolname = current_user AND rolsuper"
    yield _unless(f"GRANT {role} TO CURRENT_USER", member)
    yield _unless(f"CREATE DATABASE {database}{owner}", known)
    yield Step(None, f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    yield Step(None, f"GRANT CONNECT ON DATABASE {database} TO {role}")
    yield Step(target.database, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    if target.schema is None:
        yield Step(target.database, f"GRANT ALL ON SCHEMA public TO {role}")
        return
    schema = quote_name(target.schema)
    yield Step(target.database, f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {role}")
    yield Step(target.database, f"ALTER ROLE {role} IN DATABASE {database} SET search_path = {schema}")


def _unless(create: str, known: str) -> Step:
    # Names in it are quoted; they come from the settings, not from anybody's input.
    return Step(None, f"SELECT {_literal(create)} WHERE NOT EXISTS (SELECT FROM {known})", True)  # noqa: S608


def _literal(text: str) -> str:
    quoted = "'" + text.replace("'", "''") + "'"
    return f"E{quoted.replace(chr(92), chr(92) * 2)}" if "\\" in text else quoted


def script(targets: Mapping[str, PostgresTarget]) -> str:
    r"""The steps for services, as psql takes them: `calve store create | psql -h host -U postgres`.

    Passwords are not in it; psql asks for one with `\password role`.
    """
    lines = ["\\set ON_ERROR_STOP on"]
    at: str | None = None
    for service, target in targets.items():
        lines += ["", f"-- {service}: {target}"]
        for step in steps(target):
            if step.database is not None and step.database != at:
                at = step.database
                lines.append(f"\\connect {quote_name(at)}")
            lines.append(f"{step.sql}\\gexec" if step.generates else f"{step.sql};")
    return "\n".join(lines) + "\n"


async def provision(
    admin: PostgresTarget, password: Secret | None, services: Iterable[tuple[PostgresTarget, Secret | None]]
) -> None:
    """Run the steps for services.

    Args:
        admin: A role that may make roles and databases, on the server of all the services.
        password: Its password; None: what PGPASSWORD or the password file say.
        services: Place of each, and the password to give to its role, if any.
    Raises: ConfigError: the server cannot be used, or refuses a step.
    """
    connections: dict[str, Any] = {}
    try:
        for target, secret in services:
            for step in steps(target):
                connection = await _connection(connections, admin, password, step.database or admin.database)
                found = await connection.fetch(step.sql) if step.generates else [(step.sql,)]
                for (sql,) in found:
                    await connection.execute(sql)
            if secret is not None:
                connection = await _connection(connections, admin, password, admin.database)
                await connection.execute(f"ALTER ROLE {quote_name(target.user)} PASSWORD '{verifier(secret)}'")
    except FOREIGN as error:
        raise unusable(admin, error) from error
    finally:
        for connection in connections.values():
            await connection.close(timeout=5)


async def _connection(known: dict[str, Any], admin: PostgresTarget, password: Secret | None, database: str) -> Any:
    if database not in known:
        target = PostgresTarget(
            host=admin.host,
            port=admin.port,
            user=admin.user,
            database=database,
            sslmode=admin.sslmode,
            sslrootcert=admin.sslrootcert,
        )
        connection = await Server(target, password, PostgresOptions()).connect()
        await connection.execute("SET default_transaction_read_only = off")
        known[database] = connection
    return known[database]


def verifier(password: Secret, salt: bytes | None = None) -> str:
    """What the server keeps of a password (SCRAM-SHA-256, RFC 5803), so that the password itself is not sent.

    A password that is not ASCII is sent as it is: the server has the normalisation that it needs.
    """
    text = password.reveal()
    if not text.isascii():
        return text.replace("'", "''")
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", text.encode(), salt, _ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    parts = (base64.b64encode(part).decode() for part in (salt, hashlib.sha256(client_key).digest(), server_key))
    return "SCRAM-SHA-256${}:{}${}:{}".format(_ITERATIONS, *parts)
