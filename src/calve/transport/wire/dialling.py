"""Making connections: the one place that knows how each kind of address is connected to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Protocol

from ...core.errors import ConfigError
from .address import Address
from .tls import TlsOptions, TlsReads, client_context, read_buffer


class Dialler(Protocol):
    """Connects; in-memory pipes for tests are one, too."""

    async def dial(self, address: Address, factory: Callable[[], asyncio.Protocol]) -> None:
        """Connect a protocol made by `factory`.

        Raises: OSError: nobody is there, or TLS failed. (`ssl.SSLError` is an OSError.)
        """
        ...


class SocketDialler:
    """Connects Unix sockets, TCP and TLS.

    Args:
        tls: Certificates for `tls://` addresses.
    """

    def __init__(self, tls: TlsOptions | None = None) -> None:
        self._tls = tls
        self._context: ssl.SSLContext | None = None
        self._buffer: memoryview

    async def dial(self, address: Address, factory: Callable[[], asyncio.Protocol]) -> None:
        """Connect. Raises ConfigError for `tls://` without usable certificates."""
        loop = asyncio.get_running_loop()
        if address.scheme == "unix":
            await loop.create_unix_connection(factory, address.path)
        elif address.scheme == "tcp":
            await loop.create_connection(factory, address.host, address.port)
        else:
            if self._tls is None:
                raise ConfigError(f"address {address} needs certificates", fix="give the client cert, key and ca")
            if self._context is None:
                self._context, self._buffer = client_context(self._tls), read_buffer()
            await loop.create_connection(
                lambda: TlsReads(factory(), self._buffer),
                address.host,
                address.port,
                ssl=self._context,
                server_hostname=self._tls.server_name or address.name or address.host,
            )
