"""Store URLs: which file holds a service's database.

sqlite:///data/{service}.db           relative to the project
sqlite:////var/lib/shop/{service}.db  absolute: four slashes
"""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

from ..core.errors import ConfigError
from ..core.suggest import did_you_mean

_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_EXAMPLE = "write for example sqlite:///data/{service}.db"


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
        # The scheme only: the rest of a URL may hold a password.
        raise ConfigError(f"no store for {scheme[:20]!r}; {did_you_mean(scheme, ['sqlite'])}", fix=_EXAMPLE)
    if not rest.startswith("///"):
        raise ConfigError(f"{url!r} has a host or lacks a path", fix=_EXAMPLE)
    if "?" in rest or "#" in rest:
        raise ConfigError(f"{url!r} has a query, and a SQLite file takes none", fix=_EXAMPLE)
    if not _SERVICE.fullmatch(service):
        raise ConfigError(f"service name {service!r} cannot be part of a file name", fix="use letters, digits, _ and -")
    try:
        fields = {name for _, name, _, _ in Formatter().parse(rest) if name is not None}
    except ValueError as error:
        raise ConfigError(f"{url!r} is no template: {error}", fix=_EXAMPLE) from error
    if fields - {"service"}:
        raise ConfigError(f"{url!r} has a placeholder other than {{service}}", fix=_EXAMPLE)
    path = Path(rest[3:].replace("{service}", service))
    if rest.endswith("/") or not path.name:
        raise ConfigError(f"{url!r} names no file", fix=_EXAMPLE)
    return root / path
