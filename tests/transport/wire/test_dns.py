"""Lookups at a real name server on this machine: families, SRV, truncation, failures and garbage."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress

import dns.rcode
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import calve.transport.wire.dns
from calve.transport.wire.dns import DnsLookup
from calve.transport.wire.names import DnsName, Found, LookupFailed

from .name_server import NameServer, name_server

MONEY = DnsName.parse("dns://money.test:7000")
SRV = DnsName.parse("srv://_wire._tcp.money.test")


def lookup(server: NameServer) -> DnsLookup:
    return DnsLookup(("127.0.0.1", server.port))


def many(count: int) -> list[str]:
    first = int(ipaddress.IPv4Address("10.0.0.1"))
    return [str(ipaddress.IPv4Address(first + n)) for n in range(count)]


async def failure(server: NameServer, name: DnsName = MONEY) -> str:
    with pytest.raises(LookupFailed) as caught:
        await lookup(server)(name)
    return str(caught.value)


async def test_addresses_of_both_families_with_the_shortest_ttl() -> None:
    async with name_server() as server:
        server.records["money.test.", "A"] = 30, ["10.0.0.1", "10.0.0.2"]
        server.records["money.test.", "AAAA"] = 7, ["fd00::1"]
        found = await lookup(server)(MONEY)
    assert sorted(found.places) == [("10.0.0.1", 0), ("10.0.0.2", 0), ("fd00::1", 0)]
    assert found.ttl_seconds == 7


async def test_srv_records_say_the_ports_and_only_the_best_count() -> None:
    async with name_server() as server:
        server.records["_wire._tcp.money.test.", "SRV"] = (
            20,
            ["0 1 7001 a.money.test.", "0 1 7002 b.money.test.", "0 1 7003 gone.test.", "9 1 7009 spare.test."],
        )
        server.records["a.money.test.", "A"] = 5, ["10.0.0.1"]
        server.records["b.money.test.", "A"] = 50, ["10.0.0.2"]
        server.records["spare.test.", "A"] = 50, ["10.0.0.9"]
        assert await lookup(server)(SRV) == Found([("10.0.0.1", 7001), ("10.0.0.2", 7002)], 5)
        assert "spare" not in " ".join(server.questions)


async def test_an_answer_too_large_for_a_datagram_comes_over_tcp() -> None:
    async with name_server() as server:
        server.records["money.test.", "A"] = 30, many(4000)  # a message holds about so many
        found = await lookup(server)(MONEY)
        assert {host for host, _ in found.places} == set(many(4000))
        assert "tcp A money.test." in server.questions


async def test_nothing() -> None:
    async with name_server() as server:
        assert await failure(server) == "there is no such name"
        server.records["money.test.", "TXT"] = 30, []
        assert await failure(server) == "it has no addresses"
        assert await failure(server, SRV) == "there is no such name"
        server.records["_wire._tcp.money.test.", "A"] = 30, []
        assert await failure(server, SRV) == "it has no SRV records"
        server.records["_wire._tcp.money.test.", "SRV"] = 30, ["0 1 7001 gone.test."]
        assert await failure(server, SRV) == "there is no such name"


async def test_a_server_that_fails_or_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calve.transport.wire.dns, "LOOKUP_SECONDS", 0.2)
    async with name_server() as server:
        server.rcode = dns.rcode.SERVFAIL
        assert (await failure(server)).startswith(("no usable answer (NoNameservers", "no answer within"))
        server.rcode, server.garble = dns.rcode.NOERROR, lambda wire: None
        assert await failure(server) == "no answer within 0.2 s"
    assert (await failure(server)).startswith("no ")


async def test_one_family_that_fails_does_not_keep_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calve.transport.wire.dns, "LOOKUP_SECONDS", 0.2)
    async with name_server() as server:
        server.records["money.test.", "A"] = 30, ["10.0.0.1"]
        server.records["money.test.", "AAAA"] = 30, ["fd00::1"]
        server.garble = lambda wire: None if b"\x00\x1c\x00\x01" in wire else wire  # questions of type AAAA
        assert (await lookup(server)(MONEY)).places == [("10.0.0.1", 0)]


@given(noise=st.binary(max_size=200), keep=st.integers(0, 80))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_is_a_failure_or_an_answer(noise: bytes, keep: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calve.transport.wire.dns, "LOOKUP_SECONDS", 0.05)

    async def ask() -> None:
        async with name_server() as server:
            server.records["money.test.", "A"] = 30, ["10.0.0.1"]
            server.garble = lambda wire: wire[:keep] + noise
            with contextlib.suppress(LookupFailed):
                assert (await lookup(server)(MONEY)).places

    asyncio.run(ask())
