"""One trace over every kind of hop: REST, an adopted application, a call in the process, the wire; spans in lists."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

import pytest

from calve.bootstrap.edge import make_edge
from calve.observe import Tracing
from calve.runtime import AppConfig
from calve.testing.asgi import AsgiClient
from calve.testing.fakes.observe import CapturedLogs, RecordingTracing
from calve.testing.fakes.wire import MemoryNetwork
from calve.transport.wire import StaticResolver, WireClient, WireServer

from .conftest import Market

DESK = """
    from typing import Protocol
    from calve import Contract, query
    from .bank import Bank

    class Plain(Contract, Protocol, version="1.0"):
        @query()
        async def relay(self, owner: str) -> int: ...

    class PlainService(Plain):
        def __init__(self, bank: Bank) -> None:
            self.bank = bank
        async def relay(self, owner: str) -> int:
            return await self.bank.balance(owner)
"""
LEGACY = """
    import calve
    from .bank import Bank

    async def app(scope, receive, send):
        if scope["type"] != "http":
            raise ValueError("no lifespan")
        cents = await calve.stub(Bank).balance("ada")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % cents})
"""
OLD = """
    from calve import sync
    from .bank import Bank

    def app(environ, start_response):
        cents = sync.client(Bank).balance("ada")
        start_response("200 OK", [])
        return [b"%d" % cents]
"""
ADOPTED = """
[service.legacy]
asgi = "market.legacy:app"
calls = ["bank"]
[service.old]
wsgi = "market.old:app"
mount = "/old"
calls = ["bank"]
"""
TRACE, CALLER = "ab" * 16, "cd" * 8


class Spans(NamedTuple):
    """What both units record."""

    front: RecordingTracing
    money: RecordingTracing


@asynccontextmanager
async def units(market: Market, front: Tracing, money: Tracing) -> AsyncIterator[AsgiClient]:
    """`front` (till and plain) and `money` (bank), joined by the wire in memory. Yields the edge of `front`."""
    market.write("market/plain.py", DESK)
    market.replace("market/till.py", "from .bank import Bank", "from .bank import Bank\nfrom .plain import Plain")
    market.replace("market/till.py", "bank: Bank, log", "bank: Bank, plain: Plain, log")
    market.replace(
        "market/till.py", "self.bank, self.log = bank, log", "self.bank, self.log, self.plain = bank, log, plain"
    )
    market.replace("market/till.py", "self.bank.debit(owner, 1)", "self.plain.relay(owner)")
    market.replace("market/bank.py", "found = await", "self.log.info('looked up')\n        found = await")
    for hook in ("start", "stop"):  # they would make calls of their own
        market.replace("market/till.py", f"async def {hook}(self)", f"async def no_{hook}(self)")
    async with joined(market, market.config(), {"till", "plain"}, front, money) as client:
        yield client


@asynccontextmanager
async def joined(
    market: Market, config: AppConfig, hosted: set[str], front: Tracing, money: Tracing
) -> AsyncIterator[AsgiClient]:
    """Some services in one unit and the bank in another."""
    async with AsyncExitStack() as stack:
        there = await market.started(config, {"bank"}, tracing=money)
        server = WireServer(there.hosted_endpoints(), wheel=there.base.wheel, clock=there.base.clock)
        stack.push_async_callback(server.close)
        network = MemoryNetwork()
        network.serve("unix:/money", server)
        client = WireClient(
            StaticResolver({"bank": ["unix:/money"]}), wheel=there.base.wheel, clock=there.base.clock, dialler=network
        )
        stack.push_async_callback(client.close)
        here = await market.started(config, hosted, remote=client, tracing=front)
        yield AsgiClient(make_edge(here, here.edge_endpoints()))


async def test_every_hop_is_a_child_of_the_one_before(market: Market) -> None:
    spans = Spans(RecordingTracing(), RecordingTracing())
    async with units(market, *spans) as client:
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "vendor=x"}
        assert (await client.request("GET", "/till/ada", headers=headers)).status == 200
    sell, relay = spans.front.span("till/sell"), spans.front.span("plain/relay")
    asked, served = spans.front.span("bank/balance"), spans.money.span("bank/balance")
    hops = [sell, relay, asked, served]
    assert [span.kind for span in hops] == ["server", "internal", "client", "server"]
    parents = [f"{span.parent.span_id:016x}" if span.parent else None for span in hops]
    assert parents == [CALLER, *(f"{span.trace.span_id:016x}" for span in hops[:-1])]
    assert {f"{span.trace.trace_id:032x}" for span in hops} == {TRACE}
    assert {span.trace.state for span in hops} == {"vendor=x"}
    assert all(span.ended and not span.failed for span in hops)
    assert len(spans.front.spans) + len(spans.money.spans) == 4


@pytest.mark.parametrize(("path", "service"), [("/x", "legacy"), ("/old/x", "old")])
async def test_an_adopted_application_is_a_hop_like_any_other(market: Market, path: str, service: str) -> None:
    market.write("market/legacy.py", LEGACY)
    market.write("market/old.py", OLD)
    spans = Spans(RecordingTracing(), RecordingTracing())
    async with joined(market, market.config(ADOPTED), {"legacy", "old"}, *spans) as client:
        answer = await client.request("GET", path, headers={"traceparent": f"00-{TRACE}-{CALLER}-01"})
        assert (answer.status, answer.body) == (200, b"0")
    found = {(s.name, s.kind): s for s in spans.front.spans + spans.money.spans if f"{s.trace.trace_id:032x}" == TRACE}
    hops = [
        found.pop(h) for h in ((f"{service}/GET", "server"), ("bank/balance", "client"), ("bank/balance", "server"))
    ]
    assert not found
    parents = [f"{span.parent.span_id:016x}" if span.parent else None for span in hops]
    assert parents == [CALLER, *(f"{span.trace.span_id:016x}" for span in hops[:-1])]


async def test_a_request_without_a_trace_starts_one(market: Market) -> None:
    spans = Spans(RecordingTracing(), RecordingTracing())
    async with units(market, *spans) as client:
        for _ in range(2):
            assert (await client.request("GET", "/till/ada")).status == 200
    traces = [span.trace.trace_id for span in spans.front.spans if span.name == "till/sell"]
    assert len(set(traces)) == 2
    assert [span.trace.trace_id for span in spans.money.spans] == traces
    assert [span.parent for span in spans.front.spans if span.name == "till/sell"] == [None, None]


async def test_a_caller_that_is_not_sampled_is_followed_everywhere(market: Market) -> None:
    spans = Spans(RecordingTracing(), RecordingTracing())
    async with units(market, *spans) as client:
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-00"}
        with CapturedLogs() as logs:
            assert (await client.request("GET", "/till/ada", headers=headers)).status == 200
    assert spans.front.spans + spans.money.spans == []
    assert (logs.line("sold").trace_id, logs.line("looked up").trace_id) == (TRACE, TRACE)


async def test_a_unit_without_tracing_leaves_the_decision_to_those_it_calls(market: Market) -> None:
    money = RecordingTracing()
    async with units(market, Tracing.off(), money) as client:
        with CapturedLogs() as logs:
            assert (await client.request("GET", "/till/ada")).status == 200
    served = money.span("bank/balance")
    assert (served.kind, served.parent) == ("server", None)
    assert f"{served.trace.trace_id:032x}" == logs.line("sold").trace_id == logs.line("looked up").trace_id


async def test_a_span_in_progress_while_the_connection_is_made_is_nobodys_parent(market: Market) -> None:
    spans = Spans(RecordingTracing(), RecordingTracing())
    async with units(market, *spans) as client:
        await client.request("GET", "/till/first")  # makes the connection
        await client.request("GET", "/till/second", headers={"traceparent": f"00-{TRACE}-{CALLER}-01"})
    second = spans.money.spans[-1]
    assert second.parent is not None
    assert second.parent.span_id == spans.front.spans[-1].trace.span_id
