"""From a store URL to a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.core.errors import ConfigError
from calve.store import sqlite_path


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///data/{service}.db", "/app/data/wallet.db"),
        ("sqlite:///{service}/{service}.db", "/app/wallet/wallet.db"),
        ("sqlite:////var/lib/{service}.db", "/var/lib/wallet.db"),
        ("sqlite:///one.db", "/app/one.db"),
    ],
)
def test_paths(url: str, path: str) -> None:
    assert sqlite_path(url, service="wallet", root=Path("/app")) == Path(path)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("sqlit:///a.db", "no store for 'sqlit'; did you mean 'sqlite'"),
        ("postgresql://user:secret@host/db", "no store for 'postgresql'"),
        ("data/wallet.db", "no store for"),
        ("sqlite://host/a.db", "has a host"),
        ("sqlite:a.db", "has a host or lacks a path"),
        ("sqlite:///", "names no file"),
        ("sqlite:///data/", "names no file"),
        ("sqlite:///{unit}.db", "placeholder other than"),
        ("sqlite:///{}.db", "placeholder other than"),
        ("sqlite:///{service.db", "is no template"),
        ("sqlite:///a.db?mode=ro", "takes none"),
    ],
)
def test_faulty_urls(url: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        sqlite_path(url, service="wallet")
    assert "secret" not in str(caught.value)
    assert "sqlite:///data/{service}.db" in str(caught.value)


@pytest.mark.parametrize("service", ["", "../x", "a/b", ".hidden", "a b"])
def test_a_service_name_cannot_leave_the_folder(service: str) -> None:
    with pytest.raises(ConfigError, match="cannot be part of a file name"):
        sqlite_path("sqlite:///{service}.db", service=service)
