"""Connecting to the server, and saying what to do when that is not possible.

The connections of a store are all alike, and nothing on them outlives a transaction but prepared statements:

    directly           writes are off unless a transaction turns them on, so a bare statement only reads;
                       limits of time and the search path are parameters of the connection
    through a pooler   (pgbouncer in transaction mode: each transaction may get another connection of the server)
                       no parameters, no prepared statements; every read is a transaction of its own, every
                       transaction sets its limits; the search path is a setting of the role

Which one it is shows at the first connection: the pooler refuses the parameters, or drops them silently.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import asyncpg

from ...core.errors import ConfigError
from ...core.place import PostgresTarget
from ...core.secret import Secret
from .errors import FOREIGN, reason
from .options import PostgresOptions

VERSION_MIN = 14
"""Oldest major version that PostgreSQL's own project still maintains."""
STATEMENTS_CACHED = 256
_CHECK = """SELECT current_schema(), current_setting('default_transaction_read_only'),
    has_database_privilege(current_database(), 'CREATE'),
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
    EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1::text)"""
_PASSWORD = "set CALVE_STORE_PASSWORD, or write the password into the secret file store_password"  # noqa: S105
_CREATE = "run `calve store create`, which makes role, database and schema"


def quote_name(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


class Server:
    """How to get a connection for one service.

    Args:
        target: Where.
        password: None: what libpq's PGPASSWORD or password file say, or none is needed.
    """

    def __init__(self, target: PostgresTarget, password: Secret | None, options: PostgresOptions) -> None:
        self.target, self._password, self._options = target, password, options
        self.pooled = False
        """Whether a pooler is in between; known after `probe`."""

    @property
    def limits(self) -> str:
        """Statements that a transaction begins with, because the connection cannot have the settings."""
        if not self.pooled:
            return ""
        return "".join(f"SET LOCAL {name} = '{value}';" for name, value in self._limits().items())

    def _limits(self) -> dict[str, str]:
        milliseconds = f"{int(self._options.hold_seconds_max * 1000)}ms"
        return {"idle_in_transaction_session_timeout": milliseconds, "statement_timeout": milliseconds}

    async def connect(self) -> Any:
        """A new connection. Raises: one of `FOREIGN`, or ssl.SSLError (an OSError)."""
        target, options = self.target, self._options
        settings = {"application_name": options.application_name}
        if not self.pooled:
            settings |= {"default_transaction_read_only": "on", **self._limits()}
            if target.schema is not None:
                settings["search_path"] = quote_name(target.schema)
        return await asyncpg.connect(
            host=target.host,
            port=target.port,
            user=target.user,
            database=target.database,
            password=None if self._password is None else self._password.reveal(),
            ssl=_ssl(target),
            timeout=options.connect_seconds,
            statement_cache_size=0 if self.pooled else STATEMENTS_CACHED,
            max_cached_statement_lifetime=0,
            server_settings=settings,
        )

    async def probe(self) -> None:
        """Connect once, see what is there and whether it will do.

        Raises: ConfigError: what is wrong, and the next step.
        """
        try:
            try:
                connection = await self.connect()
            except asyncpg.PostgresError as error:
                if "startup parameter" not in str(error):
                    raise
                self.pooled = True
                connection = await self.connect()
            try:
                await self._check(connection)
            finally:
                await connection.close(timeout=self._options.connect_seconds)
        except FOREIGN as error:
            raise unusable(self.target, error) from None

    async def _check(self, connection: Any) -> None:
        target, where = self.target, str(self.target)
        major = connection.get_server_version().major
        if major < VERSION_MIN:
            raise ConfigError(
                f"the server is PostgreSQL {major}, and {VERSION_MIN} is the oldest that will do",
                where=where,
                fix="upgrade the server",
            )
        schema, read_only, _, may_create, exists = await connection.fetchrow(_CHECK, target.schema)
        if read_only != "on":
            self.pooled = True
        if target.schema is not None and not exists:
            raise ConfigError(f"there is no schema {target.schema!r}", where=where, fix=_CREATE)
        if target.schema is not None and schema != target.schema:
            role, name = quote_name(target.user), quote_name(target.schema)
            raise ConfigError(
                f"through the pooler, role {target.user!r} does not find the schema {target.schema!r}",
                where=where,
                fix=f"run ALTER ROLE {role} SET search_path = {name}, then RECONNECT in the pooler",
            )
        if not may_create:
            found = f"schema {schema!r}" if schema else "any schema of its search path"
            raise ConfigError(
                f"role {target.user!r} may not make tables in {found}",
                where=where,
                fix=f"{_CREATE}; or GRANT CREATE ON SCHEMA",
            )


def _ssl(target: PostgresTarget) -> Any:
    if target.sslrootcert is None or not target.sslmode.startswith("verify"):
        return target.sslmode
    context = ssl.create_default_context(cafile=target.sslrootcert)
    context.check_hostname = target.sslmode == "verify-full"
    return context


def unusable(target: PostgresTarget, error: BaseException) -> ConfigError:
    """What to say at start when the server cannot be used."""
    what, fix = _explain(target, error)
    return ConfigError(what, where=str(target), fix=fix)


def _explain(target: PostgresTarget, error: BaseException) -> tuple[str, str]:
    state = getattr(error, "sqlstate", None) or ""
    text = reason(error)
    if isinstance(error, ssl.SSLError | ssl.CertificateError):
        return f"no encrypted connection: {text}", "see sslmode and sslrootcert in [store] url"
    if state == "28P01":
        return f"the server refuses the password of role {target.user!r}", _PASSWORD
    if state == "28000":
        return (
            f"the server does not let role {target.user!r} in: {text}",
            f"{_CREATE}, and see the server's pg_hba.conf",
        )
    if state == "3D000" or "no such database" in text:
        return f"there is no database {target.database!r}", _CREATE
    if state == "42501":
        return f"role {target.user!r} lacks a right: {text}", _CREATE
    if state == "53300":
        fix = "raise max_connections of the server, put a pooler in between, or lower [store] connections_max"
        return "the server has no connection left", fix
    if state == "57P03":
        return f"the server is not ready: {text}", "try again in a moment"
    if isinstance(error, asyncpg.InterfaceError) and "password" in text:
        return f"the server asks for the password of role {target.user!r}", _PASSWORD
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return f"no answer from {target.host}:{target.port}", "see that address and port are right and not filtered"
    if isinstance(error, OSError):
        return (
            f"no PostgreSQL server answers at {target.host}:{target.port} ({text})",
            "start it, or correct [store] url",
        )
    return f"the database cannot be opened: {text}", "see the server's log"
