"""The wire as calve.toml sets it: for units, and for commands that call them without being one."""

from __future__ import annotations

from ..transport.wire import TlsOptions, WireOptions
from ..transport.wire.tls import client_context
from .config import AppConfig


def wire_options(config: AppConfig) -> WireOptions:
    """The limits of the wire."""
    return WireOptions(frame_bytes_max=config.wire.frame_bytes_max, calls_max=config.wire.calls_max)


def tls_options(config: AppConfig) -> TlsOptions | None:
    """The certificates of this unit; None when it has none.

    Raises: ConfigError: they do not load. A client would find that out at its first call only.
    """
    wire = config.wire
    if wire.tls_cert is None or wire.tls_key is None or wire.tls_ca is None:
        return None
    options = TlsOptions(cert=str(wire.tls_cert), key=str(wire.tls_key), ca=str(wire.tls_ca))
    client_context(options)
    return options
