"""The wire as calve.toml sets it."""

from __future__ import annotations

from pathlib import Path

from calve.runtime.wire import tls_options, wire_options
from calve.transport.wire import TlsOptions, WireOptions

from .conftest import MakeConfig


def test_without_settings_it_has_the_wire_s_own(make_config: MakeConfig) -> None:
    assert wire_options(make_config()) == WireOptions()
    assert tls_options(make_config()) is None


def test_settings_reach_it(make_config: MakeConfig, tmp_path: Path) -> None:
    for name in ("cert", "key", "ca"):
        (tmp_path / f"{name}.pem").touch()
    config = make_config(
        '[wire]\nframe_bytes_max = 2048\ncalls_max = 3\ntls_cert = "cert.pem"\ntls_key = "key.pem"\ntls_ca = "ca.pem"\n'
    )
    assert wire_options(config) == WireOptions(frame_bytes_max=2048, calls_max=3)
    files = {name: str(tmp_path / f"{name}.pem") for name in ("cert", "key", "ca")}
    assert tls_options(config) == TlsOptions(**files)
