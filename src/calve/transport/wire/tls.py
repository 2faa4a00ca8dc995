"""TLS of the wire: version 1.3 only, certificates on both sides, one authority that both trust."""

from __future__ import annotations

import asyncio
import ssl

import msgspec

from ...core.errors import ConfigError

READ_BYTES = 256 * 1024


class TlsOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Files in PEM form, read when a server starts to listen and when a client connects first."""

    cert: str
    """This side's certificate, followed by intermediate ones if there are any."""
    key: str
    """Its private key, not encrypted; protect it by file permissions."""
    ca: str
    """Certificates of the authorities that may have issued the peer's certificate; nobody else is trusted."""
    server_name: str | None = None
    """Name a client expects in the server's certificate; None expects the host of the address."""


def server_context(options: TlsOptions) -> ssl.SSLContext:
    """What a server needs; a client without a certificate is refused.

    Raises: ConfigError: a file is missing, unreadable or not what it should be.
    """
    return _load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), options)


def client_context(options: TlsOptions) -> ssl.SSLContext:
    """What a client needs; the server's name is checked.

    Raises: ConfigError: as for `server_context`.
    """
    return _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), options)


class TlsReads(asyncio.BufferedProtocol):
    """Reads of a TLS connection, into a buffer that is there already; everything goes on to `protocol`.

    uvloop and asyncio set 256 KiB aside for each read of a plain protocol under TLS, which takes longer than decrypting
    a small message does. One buffer serves all connections of a loop: it is filled and emptied within one call.

    Args:
        protocol: Gets the data.
        buffer: Shared; from `read_buffer`.
    """

    def __init__(self, protocol: asyncio.Protocol, buffer: memoryview) -> None:
        self._protocol, self._buffer = protocol, buffer
        self.connection_lost = protocol.connection_lost  # type: ignore[method-assign]
        self.connection_made = protocol.connection_made  # type: ignore[method-assign]
        self.eof_received = protocol.eof_received  # type: ignore[method-assign]
        self.pause_writing = protocol.pause_writing  # type: ignore[method-assign]
        self.resume_writing = protocol.resume_writing  # type: ignore[method-assign]

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to read to."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So much was read."""
        self._protocol.data_received(bytes(self._buffer[:nbytes]))


def read_buffer() -> memoryview:
    """A buffer for the connections of one server or client."""
    return memoryview(bytearray(READ_BYTES))


def _load(context: ssl.SSLContext, options: TlsOptions) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    for path in (options.cert, options.key, options.ca):
        _check_readable(path)
    try:
        # The password keeps OpenSSL from asking for one on the terminal.
        context.load_cert_chain(options.cert, options.key, password=lambda: "")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ConfigError(
            f"certificate and key do not load: {_reason(error)}",
            where=f"{options.cert}, {options.key}",
            fix="give a PEM certificate and the unencrypted PEM key that belongs to it",
        ) from error
    try:
        context.load_verify_locations(options.ca)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(
            f"authorities do not load: {_reason(error)}", where=options.ca, fix="give PEM certificates"
        ) from error
    return context


def _check_readable(path: str) -> None:
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror}", where=path, fix="check the path and its permissions"
        ) from error


def _reason(error: Exception) -> str:
    return getattr(error, "reason", None) or str(error)
