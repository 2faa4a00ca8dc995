"""Listening sockets: what is in the way, and what is left behind."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest

from calve.core.errors import ConfigError
from calve.transport.wire import Address, TlsOptions

from .conftest import ECHO, Kit, Place


def unix(folder: Path, name: str = "a") -> Place:
    """A Unix address in a folder."""
    return Place(Address("unix", path=f"{folder}/{name}"), None)


async def test_the_socket_is_private_and_goes_away(folder: Path) -> None:
    async with Kit() as kit:
        server, address = await kit.listen(unix(folder))
        found = os.stat(folder / "a")
        assert stat.S_ISSOCK(found.st_mode)
        assert stat.S_IMODE(found.st_mode) == 0o600
        assert [str(place) for place in server.addresses] == [address]
        await server.close()
        assert not server.addresses
        assert os.listdir(folder) == []


async def test_a_stale_socket_is_replaced(folder: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(folder / "a"))
    left.close()
    async with Kit() as kit:
        _, address = await kit.listen(unix(folder))
        assert await kit.call(kit.client(address, sockets=True), ECHO, data=b"x") == b"x"


async def test_a_live_socket_is_not(folder: Path) -> None:
    async with Kit() as kit:
        _, address = await kit.listen(unix(folder))
        with pytest.raises(ConfigError, match="another process already listens there; stop the process") as caught:
            await kit.listen(unix(folder))
        assert caught.value.where == address
        assert await kit.call(kit.client(address, sockets=True), ECHO, data=b"x") == b"x"


async def test_a_live_socket_whose_queue_is_full_is_not(folder: Path) -> None:
    busy = socket.socket(socket.AF_UNIX)
    busy.bind(str(folder / "a"))
    busy.listen(0)
    waiting = [socket.socket(socket.AF_UNIX) for _ in range(4)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(str(folder / "a"))
    async with Kit() as kit:
        with pytest.raises(ConfigError, match="already listens"):
            await kit.listen(unix(folder))
    for one in (*waiting, busy):
        one.close()


async def test_closing_does_not_remove_the_socket_of_a_successor(folder: Path) -> None:
    async with Kit() as kit:
        old, _ = await kit.listen(unix(folder))
        os.unlink(folder / "a")
        _, address = await kit.listen(unix(folder))
        await old.close()
        assert await kit.call(kit.client(address, sockets=True), ECHO, data=b"x") == b"x"


async def test_what_is_no_socket_is_left_alone(folder: Path) -> None:
    with open(folder / "a", "w") as file:  # noqa: ASYNC230  (a few bytes)
        file.write("precious")
    async with Kit() as kit:
        with pytest.raises(ConfigError, match="is not a socket"):
            await kit.listen(unix(folder))
    assert os.stat(folder / "a").st_size == len("precious")


async def test_a_missing_folder(folder: Path) -> None:
    async with Kit() as kit:
        with pytest.raises(ConfigError, match=rf"folder {folder}/missing does not exist"):
            await kit.listen(unix(folder, "missing/a"))


@pytest.mark.skipif(os.geteuid() == 0, reason="only on an unprivileged user: root may write anywhere")
async def test_a_folder_without_permission(folder: Path) -> None:
    os.chmod(folder, 0o500)
    async with Kit() as kit:
        with pytest.raises(ConfigError, match="permission denied"):
            await kit.listen(unix(folder))


async def test_a_port_in_use() -> None:
    async with Kit() as kit:
        _, address = await kit.listen(Place(Address("tcp", host="127.0.0.1"), None))
        port = Address.parse(address).port
        with pytest.raises(ConfigError, match=f"port {port} is in use; stop the process that uses it"):
            await kit.listen(Place(Address.parse(address), None))


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_a_host_that_is_not_this_machines(host: str) -> None:
    async with Kit() as kit:
        with pytest.raises(ConfigError, match=rf"host '{host}' is not this machine's; use 127\.0\.0\.1"):
            await kit.listen(Place(Address("tcp", host=host), None))


async def test_tls_and_certificates_go_together(folder: Path, tls: TlsOptions) -> None:
    async with Kit() as kit:
        with pytest.raises(ConfigError, match="needs certificates"):
            await kit.listen(Place(Address("tls", host="127.0.0.1"), None))
        with pytest.raises(ConfigError, match="cannot use certificates"):
            await kit.listen(Place(Address("tcp", host="127.0.0.1"), tls))


async def test_several_addresses_at_once(folder: Path) -> None:
    async with Kit() as kit:
        server, first = await kit.listen(unix(folder))
        second = str(await server.listen(Address("tcp", host="127.0.0.1")))
        for address in (first, second):
            assert await kit.call(kit.client(address, sockets=True), ECHO, data=b"x") == b"x"
        await asyncio.sleep(0)
        assert server.connections == 2
