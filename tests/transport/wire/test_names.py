"""Names that stand for addresses: what is kept, how often they are asked for, and how many addresses are used."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import pytest

from calve.core.errors import ConfigError, Unavailable
from calve.testing.loop import virtual_clock, virtual_time
from calve.transport.wire import Address, DnsName, Names, SourceResolver
from calve.transport.wire.names import Found, LookupFailed

from .conftest import ECHO, Kit
from .test_routes import Here, until_answers

MONEY = DnsName.parse("dns://money.test:7000")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("dns://money.default.svc:7000", DnsName("dns", "money.default.svc", 7000, "tcp")),
        ("dns+tls://Money:1", DnsName("dns", "money", 1, "tls")),
        ("dns://money.default.svc.:7000/", DnsName("dns", "money.default.svc", 7000, "tcp")),
        ("srv://_wire._tcp.money", DnsName("srv", "_wire._tcp.money", 0, "tcp")),
        ("srv+tls://_wire._tcp.money", DnsName("srv", "_wire._tcp.money", 0, "tls")),
    ],
)
def test_names_are_read_and_written(text: str, name: DnsName) -> None:
    assert DnsName.is_one(text)
    assert DnsName.parse(text) == name
    assert DnsName.parse(str(name)) == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dns:money", "is not of the form dns://host:port"),
        ("dns://money", "needs a port from 1 to 65535"),
        ("dns://money:0", "needs a port from 1 to 65535"),
        ("dns://money:65536", "needs a port from 1 to 65535"),
        ("dns://[fd00::1]:7000", "is not of the form"),
        ("dns://user@money:7000", "is not of the form"),
        ("dns://-money:7000", "has no DNS name"),
        ("dns://money..svc:7000", "has no DNS name"),
        (f"dns://{'a' * 64}:7000", "has no DNS name"),
        (f"dns://{'a.' * 130}a:7000", "has no DNS name"),
        ("srv://_wire._tcp.money:7000", "has a port, which its records say"),
    ],
)
def test_what_is_no_name(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DnsName.parse(text)


class Server:
    """A lookup whose answers a test sets."""

    def __init__(self, *hosts: str, ttl: float = 10.0) -> None:
        self.ttl, self.asked = ttl, list[float]()
        self.say(*hosts)

    def say(self, *hosts: str, failure: str = "") -> None:
        """From now on: these addresses, or a failure."""
        self.hosts, self.failure = hosts, failure

    async def __call__(self, name: DnsName) -> Found:
        self.asked.append(virtual_clock().monotonic())
        if self.failure:
            raise LookupFailed(self.failure)
        return Found([(host, 0) for host in self.hosts], self.ttl)


class Watched:
    """Names with one name, watched."""

    def __init__(self, server: Server) -> None:
        self.names = Names(server)
        self.changes = 0
        self.names.on_change = self._count
        self.names.keep([MONEY])

    def _count(self) -> None:
        self.changes += 1

    def hosts(self) -> Sequence[str]:
        """What it stands for."""
        return [address.host for address in self.names.get(MONEY)]

    async def __aenter__(self) -> Watched:
        await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.names.close()


@virtual_time
async def test_an_answer_is_used_for_its_ttl() -> None:
    server = Server("10.0.0.1", "10.0.0.2")
    async with Watched(server) as watched:
        assert watched.names.get(MONEY) == (
            Address("tcp", host="10.0.0.1", port=7000),
            Address("tcp", host="10.0.0.2", port=7000),
        )
        server.say("10.0.0.3")
        await asyncio.sleep(7)
        assert watched.hosts() == ["10.0.0.1", "10.0.0.2"]
        await asyncio.sleep(4)
        assert watched.hosts() == ["10.0.0.3"]
        await asyncio.sleep(100)
    assert watched.changes == 2, "the same answer is no change"
    pauses = {round(later - earlier, 3) for earlier, later in zip(server.asked, server.asked[1:], strict=False)}
    assert all(8 <= pause <= 10 for pause in pauses)
    assert len(pauses) > 1, "no jitter"
    count = len(server.asked)
    await asyncio.sleep(100)
    assert len(server.asked) == count, "it is closed"


@pytest.mark.parametrize(("ttl", "low", "high"), [(0.0, 0.8, 1.0), (1e6, 24.0, 30.0)])
@virtual_time
async def test_a_ttl_has_bounds(ttl: float, low: float, high: float) -> None:
    server = Server("10.0.0.1", ttl=ttl)
    async with Watched(server):
        await asyncio.sleep(100)
    pauses = [later - earlier for earlier, later in zip(server.asked, server.asked[1:], strict=False)]
    assert all(low - 0.001 <= pause <= high + 0.001 for pause in pauses)


@virtual_time
async def test_a_failure_changes_nothing_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "calve.wire")
    server = Server("10.0.0.1")
    async with Watched(server) as watched:
        server.say(failure="there is no such name")
        await asyncio.sleep(120)
        assert watched.hosts() == ["10.0.0.1"]
        assert [record.getMessage() for record in caplog.records] == [
            "dns://money.test:7000: there is no such name; keeping the 1 addresses known before"
        ]
        assert len(server.asked) < 20, "the pause grows"
        server.say("10.0.0.2")
        await asyncio.sleep(31)
        assert watched.hosts() == ["10.0.0.2"]
        assert caplog.messages[-1] == "dns://money.test:7000 is answered again"


@pytest.mark.parametrize("hosts", [(), ("0.0.0.0", "224.0.0.1", "::", "ff02::1", "money", "")])
@virtual_time
async def test_nothing_that_can_be_called_is_a_failure(hosts: tuple[str, ...]) -> None:
    server = Server(*hosts)
    async with Watched(server) as watched:
        assert watched.hosts() == []
        assert watched.names.fault(MONEY)
        server.say("10.0.0.1", *hosts)
        await asyncio.sleep(5)
        assert watched.hosts() == ["10.0.0.1"], "the others are left out"


@virtual_time
async def test_a_lookup_that_breaks_is_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Server):
        async def __call__(self, name: DnsName) -> Found:
            await super().__call__(name)
            raise ZeroDivisionError("a bug")

    server = Broken()
    async with Watched(server) as watched:
        await asyncio.sleep(5)
        assert watched.names.fault(MONEY) == "ZeroDivisionError: a bug"
        assert len(server.asked) > 2


@virtual_time
async def test_of_ten_thousand_addresses_some_are_used_and_stay(caplog: pytest.LogCaptureFixture) -> None:
    hosts = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(1, 10_001)]
    server = Server(*hosts)
    async with Watched(server) as watched, Watched(server) as other:
        first = watched.hosts()
        assert len(first) == 64
        server.say(*reversed(hosts))
        await asyncio.sleep(50)
        assert watched.hosts() == first
        assert watched.changes == 1
        assert set(other.hosts()) != set(first), "each process has its own"
        server.say(*[host for host in hosts if host not in first[:32]])
        await asyncio.sleep(50)
        assert set(first[32:]) <= set(watched.hosts()), "what is still there stays"
    assert [m for m in caplog.messages if "addresses" in m] == 2 * [
        "dns://money.test:7000 has 10000 addresses; this process uses 64 of them, chosen at random"
    ]


@virtual_time
async def test_calls_follow_a_name() -> None:
    async with Kit() as kit:
        for host in ("10.0.0.1", "10.0.0.2"):
            kit.server(f"tcp://{host}:7000", echo=Here(host.encode()))
        server = Server("10.0.0.1", ttl=1)
        resolver = SourceResolver(Names(server))
        resolver.use({"wallet": [MONEY]})
        client = kit.client(resolver=resolver)
        call = asyncio.ensure_future(kit.call(client, ECHO, data=b""))
        await asyncio.sleep(0.5)
        assert not call.done(), "nobody has asked for the name yet"
        await resolver.start()
        assert await call == b"10.0.0.1"
        server.say("10.0.0.1", "10.0.0.2")
        await until_answers(kit, client, {b"10.0.0.1", b"10.0.0.2"})
        server.say("10.0.0.2")
        await until_answers(kit, client, {b"10.0.0.2"})
        assert resolver.known() == {Address("tcp", host="10.0.0.2", port=7000)}
        await resolver.close()
        assert await kit.call(client, ECHO, data=b"") == b"10.0.0.2", "what was known last stays"


@virtual_time
async def test_nothing_known_names_the_name() -> None:
    async with Kit() as kit:
        server = Server()
        server.say(failure="there is no such name")
        resolver = SourceResolver(Names(server))
        resolver.use({"wallet": [MONEY]})
        await resolver.start()
        client = kit.client(resolver=resolver)
        with pytest.raises(Unavailable, match=r"dns://money\.test:7000: there is no such name") as caught:
            await kit.call(client, ECHO, data=b"")
        assert caught.value.may_have_run is False
        await resolver.close()


@virtual_time
async def test_a_certificate_has_to_be_for_the_name() -> None:
    names = Names(Server("10.0.0.1"))
    name = DnsName.parse("dns+tls://money.test:7000")
    names.keep([name])
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert names.get(name) == (Address("tls", host="10.0.0.1", port=7000, name="money.test"),)
    names.keep([])
    assert names.get(name) == ()
    await names.close()
