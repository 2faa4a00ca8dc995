"""Where services are: a fixed mapping, and a file that changes, breaks and comes back."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from calve.core.errors import ConfigError
from calve.testing.loop import virtual_time
from calve.transport.wire import Address, FileResolver, StaticResolver

from .conftest import ECHO, Kit

A, B = Address.parse("unix:/a"), Address.parse("unix:/b")


def write(path: Path, **services: list[str]) -> None:
    """As a supervisor does it: a new file, renamed over the old one."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"services": services}), encoding="utf-8")
    new.rename(path)


def test_a_fixed_mapping() -> None:
    resolver = StaticResolver({"wallet": ["unix:/a", "unix:/b"]})
    assert resolver.resolve("wallet") == (A, B)
    assert resolver.resolve("wallet") is resolver.resolve("wallet")
    assert resolver.resolve("orders") == ()


def test_a_bad_address_names_its_service() -> None:
    with pytest.raises(ConfigError, match=r"calve\.toml: wallet: address 'nowhere' has no scheme"):
        StaticResolver({"wallet": ["nowhere"]}, where="calve.toml")


def test_a_file_is_read_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "services.json"
    write(path, wallet=["unix:/a"], orders=["unix:/b"])
    resolver = FileResolver(path)
    assert resolver.resolve("wallet") == (A,)
    before = resolver.resolve("orders")
    assert resolver.refresh() is False
    write(path, wallet=["unix:/a", "unix:/b"], orders=["unix:/b"])
    assert resolver.refresh() is True
    assert resolver.resolve("wallet") == (A, B)
    assert resolver.resolve("orders") is before, "what did not change stays the same object"
    write(path, wallet=[])
    resolver.refresh()
    assert resolver.resolve("wallet") == resolver.resolve("orders") == ()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"services": {"wallet": "unix:/a"}}',
        '{"services": {"wallet": ["nowhere"]}}',
        '{"service": {}}',
        "\udcff",
    ],
)
def test_a_bad_file_changes_nothing_and_is_logged_once(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "services.json"
    write(path, wallet=["unix:/a"])
    resolver = FileResolver(path)
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert resolver.refresh() is False
    assert resolver.refresh() is False
    assert resolver.resolve("wallet") == (A,)
    assert len(caplog.records) == 1
    assert str(path) in caplog.text
    write(path, wallet=["unix:/b"])
    assert resolver.refresh() is True
    assert resolver.resolve("wallet") == (B,)


def test_a_file_that_goes_away_and_comes_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "services.json"
    resolver = FileResolver(path)
    assert resolver.resolve("wallet") == ()
    write(path, wallet=["unix:/a"])
    assert resolver.refresh() is True
    path.unlink()
    assert resolver.refresh() is False
    assert resolver.resolve("wallet") == (A,)
    write(path, wallet=["unix:/b"])
    assert resolver.refresh() is True
    assert resolver.resolve("wallet") == (B,)
    assert len(caplog.records) == 2


@virtual_time
async def test_a_started_resolver_watches(tmp_path: Path) -> None:
    path = tmp_path / "services.json"
    write(path, wallet=["unix:/a"])
    resolver = FileResolver(path, poll_seconds=1)
    await resolver.start()
    write(path, wallet=["unix:/b"])
    assert resolver.resolve("wallet") == (A,)
    await asyncio.sleep(1.1)
    assert resolver.resolve("wallet") == (B,)
    await resolver.close()
    write(path, wallet=["unix:/a"])
    await asyncio.sleep(5)
    assert resolver.resolve("wallet") == (B,)
    await resolver.close()


@virtual_time
async def test_a_client_follows_the_file_and_lets_old_calls_finish(tmp_path: Path) -> None:
    path = tmp_path / "services.json"
    write(path, wallet=["unix:/a"])
    resolver = FileResolver(path, poll_seconds=1)
    await resolver.start()
    async with Kit() as kit:
        release = asyncio.Event()

        async def slow(context: object, request: object) -> bytes:
            await release.wait()
            return b"old"

        old = kit.server("unix:/a", echo=slow)
        kit.server("unix:/b")
        client = kit.client(resolver=resolver)
        running = asyncio.ensure_future(kit.call(client, ECHO, seconds=60, data=b""))
        await asyncio.sleep(0.5)
        write(path, wallet=["unix:/b"])
        await asyncio.sleep(1)
        assert await kit.call(client, ECHO, data=b"new") == b"new"
        assert old.running == 1
        release.set()
        assert await running == b"old"
        await asyncio.sleep(0.1)
        assert old.connections == 0, "and the connection goes with its last call"
    await resolver.close()


@virtual_time
async def test_a_service_that_appears_late_is_found(tmp_path: Path) -> None:
    path = tmp_path / "services.json"
    resolver = FileResolver(path, poll_seconds=1)
    await resolver.start()
    async with Kit() as kit:
        kit.server("unix:/a")
        call = asyncio.ensure_future(kit.call(kit.client(resolver=resolver), ECHO, data=b"x"))
        await asyncio.sleep(2)
        assert not call.done()
        write(path, wallet=["unix:/a"])
        assert await call == b"x"
    await resolver.close()
