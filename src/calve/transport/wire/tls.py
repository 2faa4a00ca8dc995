"""TLS of the wire: version 1.3 only, certificates on both sides, one authority that both trust."""

from __future__ import annotations

import ssl

import msgspec

from ...core.errors import ConfigError


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
