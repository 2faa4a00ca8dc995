"""From a store URL to a file, or to a place on a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.core.errors import ConfigError
from calve.store import PostgresTarget, postgres_target, sqlite_path


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
        ("postgresql://user:secret@host/db", "no store for 'postgresql' in a file"),
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
    with pytest.raises(ConfigError, match="cannot be part of a name"):
        sqlite_path("sqlite:///{service}.db", service=service)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        (
            "postgresql://{service}@db/{service}",
            PostgresTarget(host="db", user="wallet", database="wallet"),
        ),
        (
            "postgresql://db:6000/shop?schema={service}&sslmode=verify-full&sslrootcert=/ca.pem",
            PostgresTarget(
                host="db",
                port=6000,
                user="wallet",
                database="shop",
                schema="wallet",
                sslmode="verify-full",
                sslrootcert="/ca.pem",
            ),
        ),
        ("postgresql://a%40b@[::1]/x%2Fy", PostgresTarget(host="::1", user="a@b", database="x/y")),
        (
            "postgresql://me@/db?host=/var/run/postgresql",
            PostgresTarget(host="/var/run/postgresql", user="me", database="db"),
        ),
    ],
)
def test_places_on_a_server(url: str, target: PostgresTarget) -> None:
    assert postgres_target(url, service="wallet") == target


def test_a_place_shows_itself() -> None:
    url = "postgresql://me@[::1]:5432/shop?schema=wallet"
    assert str(postgres_target(url, service="wallet")) == url


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("postgres://me@host/db", "no store for 'postgres'; did you mean 'postgresql'"),
        ("sqlite:///a.db", "not the URL of a PostgreSQL server"),
        ("postgresql://me:secret@host/db", "the URL has a password, .*; put it into .* CALVE_STORE_PASSWORD"),
        ("postgresql://me@host/db?password=secret", "the URL has a password"),
        ("postgresql:///db", "names no host"),
        ("postgresql://host", "names no database"),
        ("postgresql://host:port/db", "no valid host and port"),
        ("postgresql://host:99999/db", "no valid host and port"),
        ("postgresql://[::1/db", "no valid host and port"),
        ("postgresql://host/db?schema=", "names no schema"),
        ("postgresql://host/db?schema=pg_wallet", "belongs to PostgreSQL itself"),
        ("postgresql://host/db?shcema=x", "unknown option 'shcema'; did you mean 'schema'"),
        ("postgresql://host/db?schema=a&schema=b", "has an option twice"),
        ("postgresql://host/db?sslmode=on", "sslmode 'on' is none"),
        ("postgresql://host/{unit}", "a placeholder other than {service}"),
        ("postgresql://host/{service", "is no template"),
        ("postgresql://host/db#x", "has a '#'"),
        (f"postgresql://host/{'x' * 64}", "longer than 63 bytes"),
    ],
)
def test_faulty_places(url: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text) as caught:
        postgres_target(url, service="wallet")
    assert "secret" not in str(caught.value).replace("secret file", "")
