"""TLS: who is let in, who is not, and what is said about files that do not do."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from calve.core.errors import ConfigError, Unavailable
from calve.testing.certificates import Authority
from calve.transport.wire import Address, TlsOptions
from calve.transport.wire.tls import client_context

from .conftest import ECHO, Kit, Place, RawPeer, until

Run = Callable[[Coroutine[Any, Any, Any]], Any]
TLS = Address("tls", host="127.0.0.1")


async def refused(server_tls: TlsOptions, client_tls: TlsOptions | None, seconds: float = 0.5) -> Unavailable:
    """What a call comes to when client and server do not trust each other."""
    async with Kit() as kit:
        called = False

        async def echo(context: object, request: object) -> bytes:
            nonlocal called
            called = True
            return b""

        _, address = await kit.listen(Place(TLS, server_tls), echo=echo)
        with pytest.raises(Unavailable) as caught:
            await kit.call(kit.client(address, sockets=True, tls=client_tls), ECHO, seconds, data=b"")
        assert caught.value.may_have_run is False
        assert not called
        return caught.value


def test_a_server_of_another_authority(run: Run, tls: TlsOptions, tmp_path: Path) -> None:
    other = Authority.new().options(tmp_path, "127.0.0.1")
    mixed = msgspec.structs.replace(other, ca=tls.ca)
    assert "certificate verify failed" in str(run(refused(mixed, tls, 60)))


def test_a_client_of_another_authority(run: Run, tls: TlsOptions, tmp_path: Path) -> None:
    other = Authority.new().options(tmp_path, "127.0.0.1")
    mixed = msgspec.structs.replace(other, ca=tls.ca)
    run(refused(tls, mixed))


def test_a_server_with_another_name(run: Run, tls: TlsOptions, tmp_path: Path) -> None:
    authority = Authority.new()
    elsewhere = authority.options(tmp_path, "elsewhere.example")
    assert "certificate" in str(run(refused(elsewhere, elsewhere, 60)))

    async def main() -> None:
        async with Kit() as kit:
            _, address = await kit.listen(Place(TLS, elsewhere))
            named = msgspec.structs.replace(elsewhere, server_name="elsewhere.example")
            assert await kit.call(kit.client(address, sockets=True, tls=named), ECHO, data=b"x") == b"x"

    run(main())


def test_a_client_without_certificates_for_a_tls_address(run: Run, tls: TlsOptions) -> None:
    assert "needs certificates" in str(run(refused(tls, None, 60)))


@pytest.mark.parametrize("weakness", ["no certificate", "TLS 1.2"])
def test_the_server_refuses_weak_clients(run: Run, tls: TlsOptions, weakness: str) -> None:
    context = ssl.create_default_context(cafile=tls.ca)
    if weakness == "TLS 1.2":
        context.load_cert_chain(tls.cert, tls.key)
        context.maximum_version = ssl.TLSVersion.TLSv1_2

    async def main() -> None:
        async with Kit() as kit:
            server, address = await kit.listen(Place(TLS, tls))
            peer = RawPeer()
            where = Address.parse(address)
            try:
                await asyncio.get_running_loop().create_connection(
                    lambda: peer, where.host, where.port, ssl=context, server_hostname="127.0.0.1"
                )
            except OSError:
                assert weakness == "TLS 1.2"
            else:
                await until(lambda: peer.lost)
                assert peer.frames == []
            await until(lambda: server.connections == 0)

    run(main())


def test_plain_and_tls_tell_each_other(run: Run, tls: TlsOptions, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with Kit() as kit:
            _, plain = await kit.listen(Place(Address("tcp", host="127.0.0.1"), None))
            wrong = plain.replace("tcp:", "tls:")
            with pytest.raises(Unavailable):
                await kit.call(kit.client(wrong, sockets=True, tls=tls), ECHO, 0.3, data=b"")

    run(main())
    assert "the peer speaks TLS to a plain port" in caplog.text


@pytest.mark.parametrize("which", ["cert", "key", "ca"])
@pytest.mark.parametrize("fault", ["missing", "garbage"])
def test_files_that_do_not_do(run: Run, tls: TlsOptions, tmp_path: Path, which: str, fault: str) -> None:
    path = tmp_path / "file.pem"
    if fault == "garbage":
        path.write_text("garbage")
    bad = msgspec.structs.replace(tls, **{which: str(path)})

    async def listen() -> None:
        async with Kit() as kit:
            await kit.listen(Place(TLS, bad))

    with pytest.raises(ConfigError) as caught:
        run(listen())
    assert str(path) in str(caught.value.where)
    assert ("No such file" in str(caught.value)) == (fault == "missing")
    assert caught.value.fix


@pytest.mark.skipif(os.geteuid() == 0, reason="only on an unprivileged user: root may read anything")
def test_a_file_without_permission(tls: TlsOptions, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(Path(tls.key).read_bytes())
    path.chmod(0)
    with pytest.raises(ConfigError, match="Permission denied"):
        client_context(msgspec.structs.replace(tls, key=str(path)))


def test_an_encrypted_key_is_refused_without_asking_for_a_password(tls: TlsOptions, tmp_path: Path) -> None:
    key = load_pem_private_key(Path(tls.key).read_bytes(), None)
    path = tmp_path / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    with pytest.raises(ConfigError, match="unencrypted"):
        client_context(msgspec.structs.replace(tls, key=str(path)))


def test_a_key_of_another_certificate_is_refused(tls: TlsOptions, tmp_path: Path) -> None:
    other = Authority.new().options(tmp_path, "127.0.0.1")
    with pytest.raises(ConfigError, match="do not load"):
        client_context(msgspec.structs.replace(tls, key=other.key))
