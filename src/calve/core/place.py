"""Where a service's database is, as a URL says it.

sqlite:///data/{service}.db                              a file, relative to the project
sqlite:////var/lib/shop/{service}.db                     absolute: four slashes
postgresql://{service}@db.example/{service}              a server; a database and a role per service
postgresql://{service}@db.example/shop?schema={service}  one database; a schema and a role per service
"""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from .errors import ConfigError
from .suggest import did_you_mean

SCHEMES = ("sqlite", "postgresql")
_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_EXAMPLE = "write for example sqlite:///data/{service}.db"
_POSTGRES_EXAMPLE = "write for example postgresql://{service}@127.0.0.1/{service}"
_PASSWORD_FIX = "put it into the environment as CALVE_STORE_PASSWORD, or into the secret file store_password"  # noqa: S105
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
NAME_BYTES_MAX = 63
"""PostgreSQL cuts longer names off without a word."""


class PostgresTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where one service's tables are on a PostgreSQL server, without the password."""

    host: str
    """Name or address, or the folder of a Unix socket."""
    port: int = 5432
    user: str
    """The role; it owns the tables."""
    database: str
    schema: str | None = None
    """None: what the role's search path says, by default `public`."""
    sslmode: str = "prefer"
    sslrootcert: str | None = None
    """PEM file of the authority, for `verify-ca` and `verify-full`."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        schema = f"?schema={self.schema}" if self.schema else ""
        return f"postgresql://{self.user}@{host}:{self.port}/{self.database}{schema}"


def store_scheme(url: str) -> str:
    """`sqlite` or `postgresql`. Raises ConfigError: another one; with near misses."""
    scheme, colon, _ = url.partition(":")
    if scheme not in SCHEMES or not colon:
        # The scheme only: the rest of a URL may hold a password.
        raise ConfigError(f"no store for {scheme[:20]!r}; {did_you_mean(scheme, SCHEMES)}", fix=_EXAMPLE)
    return scheme


def sqlite_path(url: str, *, service: str, root: Path = Path()) -> Path:
    """The file that a URL or URL template names for one service.

    Args:
        url: `sqlite:///path`; `{service}` stands for the service's name.
        service: Name of the service; letters, digits, `_`, `-` and `.`.
        root: Where relative paths start.
    Raises: ConfigError: another scheme, a host, a query, an unknown placeholder, no file name, or a service name that
        is none.
    """
    scheme, colon, rest = url.partition(":")
    if scheme != "sqlite" or not colon:
        in_file = " in a file" if scheme in SCHEMES else ""
        raise ConfigError(f"no store for {scheme[:20]!r}{in_file}; {did_you_mean(scheme, ['sqlite'])}", fix=_EXAMPLE)
    if not rest.startswith("///"):
        raise ConfigError(f"{url!r} has a host or lacks a path", fix=_EXAMPLE)
    if "?" in rest or "#" in rest:
        raise ConfigError(f"{url!r} has a query, and a SQLite file takes none", fix=_EXAMPLE)
    _check_template(rest, service, _EXAMPLE)
    path = Path(rest[3:].replace("{service}", service))
    if rest.endswith("/") or not path.name:
        raise ConfigError(f"{url!r} names no file", fix=_EXAMPLE)
    return root / path


def _check_template(url: str, service: str, example: str) -> None:
    if not _SERVICE.fullmatch(service):
        raise ConfigError(f"service name {service!r} cannot be part of a name", fix="use letters, digits, _ and -")
    try:
        fields = {name for _, name, _, _ in Formatter().parse(url) if name is not None}
    except ValueError as error:
        raise ConfigError(f"the URL is no template: {error}", fix=example) from error
    if fields - {"service"}:
        raise ConfigError("the URL has a placeholder other than {service}", fix=example)


def postgres_target(url: str, *, service: str) -> PostgresTarget:
    """What a URL or URL template names for one service.

    Args:
        url: `postgresql://role@host:port/database?schema=…&sslmode=…&sslrootcert=…`; `{service}` stands for the
            service's name. Without a role it is the service's name. The host may be a folder (of a Unix socket) given
            as `?host=/var/run/postgresql`.
        service: Name of the service.
    Raises: ConfigError: says what is wrong, and never shows a password.
    """
    if store_scheme(url) != "postgresql":
        raise ConfigError("not the URL of a PostgreSQL server", fix=_POSTGRES_EXAMPLE)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigError("the URL has no valid host and port", fix=_POSTGRES_EXAMPLE) from error
    if parts.password is not None:
        raise ConfigError("the URL has a password, and URLs are shown and logged", fix=_PASSWORD_FIX)
    _check_template(url, service, _POSTGRES_EXAMPLE)
    query = _query(parts.query)
    host = query.pop("host", None) or unquote(parts.hostname or "")
    if not host:
        raise ConfigError("the URL names no host", fix=_POSTGRES_EXAMPLE)
    if parts.fragment:
        raise ConfigError("the URL has a '#'", fix="write it as %23")
    user = _name("role", unquote(parts.username or "") or "{service}", service)
    database = _name("database", unquote(parts.path.removeprefix("/")), service)
    schema = query.pop("schema", None)
    if schema is not None:
        schema = _name("schema", schema, service)
    sslmode = query.pop("sslmode", "prefer")
    if sslmode not in SSL_MODES:
        raise ConfigError(f"sslmode {sslmode!r} is none", fix=did_you_mean(sslmode, SSL_MODES))
    target = PostgresTarget(
        host=host,
        port=port or 5432,
        user=user,
        database=database,
        schema=schema,
        sslmode=sslmode,
        sslrootcert=query.pop("sslrootcert", None),
    )
    if query:
        unknown = next(iter(query))
        known = ["schema", "sslmode", "sslrootcert", "host"]
        raise ConfigError(f"the URL has an unknown option {unknown!r}", fix=did_you_mean(unknown, known))
    return target


def _query(text: str) -> dict[str, str]:
    pairs = parse_qsl(text, keep_blank_values=True)
    query = dict(pairs)
    if any(key.lower() in ("password", "passfile", "sslpassword") for key in query):
        raise ConfigError("the URL has a password, and URLs are shown and logged", fix=_PASSWORD_FIX)
    if len(query) < len(pairs):
        raise ConfigError("the URL has an option twice", fix="drop one")
    return query


def _name(key: str, template: str, service: str) -> str:
    name = template.replace("{service}", service)
    if not name:
        raise ConfigError(f"the URL names no {key}", fix=_POSTGRES_EXAMPLE)
    if "\x00" in name or len(name.encode(errors="replace")) > NAME_BYTES_MAX:
        raise ConfigError(f"{key} {name[:70]!r} is longer than {NAME_BYTES_MAX} bytes", fix="choose a shorter name")
    if key == "schema" and (name.startswith("pg_") or name == "information_schema"):
        raise ConfigError(f"schema {name!r} belongs to PostgreSQL itself", fix="choose another name")
    return name
