"""Addresses of the wire: where a unit listens.

unix:/run/shop/money.sock       a Unix socket on this machine; only the same user may connect
tcp://10.0.0.7:7400             plain TCP, for networks that are trusted or encrypted below
tls://money.shop.svc:7400       TCP with TLS 1.3, certificates on both sides
"""

from __future__ import annotations

import os
import re
from typing import Literal

import msgspec

from ...core.errors import ConfigError
from ...core.suggest import did_you_mean

Scheme = Literal["unix", "tcp", "tls"]

UNIX_PATH_BYTES_MAX = 107
"""`sun_path` of `struct sockaddr_un` on Linux holds 108 bytes, the last of which is zero (unix(7))."""

_FORMS = "write unix:/path/to.sock, tcp://host:port or tls://host:port"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_HOST_PORT = re.compile(r"//(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[^\]]+)?)\]|(?P<host>[^:/\[\]\s@]+)):(?P<port>[0-9]{1,5})/?")


class Address(msgspec.Struct, frozen=True):
    """One place to listen at or to connect to."""

    scheme: Scheme
    path: str = ""
    """Of the Unix socket; absolute."""
    host: str = ""
    port: int = 0
    """0 lets the system choose one; for listening only."""
    name: str = ""
    """What its certificate has to be for, where that is not the host."""

    @classmethod
    def parse(cls, text: str, *, where: str | None = None) -> Address:
        """Read an address.

        Args:
            text: One of the three forms of the module's docstring.
            where: File and key or variable it was found in, for the error.
        Raises: ConfigError: says what is wrong with it and how it is written.
        """
        match = _SCHEME.fullmatch(text)
        if match is None:
            raise ConfigError(f"address {text!r} has no scheme", where=where, fix=_FORMS)
        scheme, rest = match[1], match[2]
        if scheme == "unix":
            return cls("unix", path=_unix_path(text, rest, where))
        if scheme in ("tcp", "tls"):
            host, port = _host_port(text, rest, where)
            return cls("tls" if scheme == "tls" else "tcp", host=host, port=port)
        hint = did_you_mean(scheme, ("unix", "tcp", "tls"))
        raise ConfigError(f"address {text!r} has an unknown scheme; {hint}", where=where, fix=_FORMS)

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix:{self.path}"
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def _unix_path(text: str, path: str, where: str | None) -> str:
    if not path.startswith("/") or path.startswith("//") or "\0" in path:
        raise ConfigError(
            f"address {text!r} does not name an absolute path", where=where, fix="write for example unix:/run/shop.sock"
        )
    size = len(os.fsencode(path))
    if size > UNIX_PATH_BYTES_MAX:
        raise ConfigError(
            f"the socket path in {text!r} takes {size} bytes, at most {UNIX_PATH_BYTES_MAX} fit",
            where=where,
            fix="choose a shorter folder",
        )
    return path


def _host_port(text: str, rest: str, where: str | None) -> tuple[str, int]:
    match = _HOST_PORT.fullmatch(rest)
    if match is None:
        raise ConfigError(f"address {text!r} is not of the form scheme://host:port", where=where, fix=_FORMS)
    port = int(match["port"])
    if port > 65535:
        raise ConfigError(
            f"address {text!r} has port {port}, the highest is 65535", where=where, fix="choose a lower port"
        )
    return match["v6"] or match["host"], port
