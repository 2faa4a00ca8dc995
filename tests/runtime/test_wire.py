"""The wire as calve.toml sets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.core.errors import ConfigError
from calve.runtime.wire import tls_options, wire_options
from calve.testing.certificates import Authority
from calve.transport.wire import WireOptions

from .conftest import MakeConfig


def test_without_settings_it_has_the_wire_s_own(make_config: MakeConfig) -> None:
    assert wire_options(make_config()) == WireOptions()
    assert tls_options(make_config()) is None


def test_settings_reach_it(make_config: MakeConfig, tmp_path: Path) -> None:
    options = Authority.new().options(tmp_path, "localhost")
    config = make_config(
        '[wire]\nframe_bytes_max = 2048\ncalls_max = 3\ntls_cert = "cert.pem"\ntls_key = "key.pem"\ntls_ca = "ca.pem"\n'
    )
    assert wire_options(config) == WireOptions(frame_bytes_max=2048, calls_max=3)
    assert tls_options(config) == options


def test_certificates_that_do_not_load_are_said(make_config: MakeConfig, tmp_path: Path) -> None:
    Authority.new().options(tmp_path, "localhost")
    (tmp_path / "key.pem").write_text("no key")
    config = make_config('[wire]\ntls_cert = "cert.pem"\ntls_key = "key.pem"\ntls_ca = "ca.pem"\n')
    with pytest.raises(ConfigError, match="certificate and key do not load"):
        tls_options(config)
