"""A unit with its listeners: what it serves, how two of them talk, how it drains, and how it fails to start."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from calve.bootstrap import UnitProcess, build_unit
from calve.core.context import call_options
from calve.core.errors import ConfigError, Unavailable
from calve.observe import Telemetry
from calve.runtime import AppConfig
from calve.testing.certificates import Authority
from calve.testing.fakes.observe import CapturedLogs, RecordingTracing
from calve.testing.rest import HttpClient
from calve.transport.wire import WireClient

from .conftest import Market


@asynccontextmanager
async def running(config: AppConfig, *names: str, topology: str = "split") -> AsyncIterator[list[UnitProcess]]:
    """Units of a topology in this process, started in order and stopped in the reverse one."""
    units = [build_unit(config, config.topology(topology), name) for name in names]
    async with AsyncExitStack() as stack:
        for unit in units:
            stack.push_async_callback(unit.stop)
            await unit.start()
            unit.health.become("ready")
        yield units


def two_units(market: Market, sockets: Path, **environ: str) -> AppConfig:
    """Configuration under which `front` and `money` find each other."""
    endpoints = sockets / "endpoints.json"
    endpoints.write_text(json.dumps({"services": {"bank": [f"unix:{sockets}/money.sock"]}}))
    places = {"CALVE_DISCOVERY_FILE": str(endpoints), "CALVE_UNIT_MONEY_LISTEN": f"unix:{sockets}/money.sock"}
    return market.config(**(places | environ))


def client_of(unit: UnitProcess) -> HttpClient:
    """Requests to the unit's own HTTP server."""
    assert unit.url is not None
    return HttpClient(unit.url)


async def answers(unit: UnitProcess) -> bool:
    """Whether somebody accepts connections at the unit's HTTP port."""
    try:
        await client_of(unit).request("GET", "/health/live")
    except ConnectionError:
        return False
    return True


async def test_one_unit_serves_operations_health_and_metrics(market: Market) -> None:
    async with running(market.config(), "market", topology="one") as (unit,):
        client = client_of(unit)
        assert (await client.request("GET", "/accounts/ada")).json() == 0
        ready = await client.request("GET", "/health/ready")
        assert (ready.status, ready.json()) == (200, {"state": "ready", "checks": {"store.bank": "ok"}})
        assert (await client.request("GET", "/health/live")).status == 200
        assert (await client.request("GET", "/health/startup")).status == 200
        metrics = (await client.request("GET", "/metrics")).body.decode()
        assert (
            'calve_operation_requests_total{kind="query",operation="balance",service="bank",side="server"} 2' in metrics
        )
        assert 'calve_store_transactions_total{service="bank"}' in metrics


async def test_connections_between_units_are_counted(market: Market, sockets: Path) -> None:
    async with running(two_units(market, sockets), "money", "front") as (money, _):
        metrics = (await client_of(money).request("GET", "/metrics")).body.decode()
    assert "calve_wire_connections 1.0" in metrics  # till has asked the bank when it started


@pytest.mark.parametrize(
    ("server", "beneath"), [("calve", "Http1Server"), ("granian", "GranianBackend"), ("uvicorn", "UvicornBackend")]
)
async def test_the_http_server_is_the_one_that_is_asked_for(market: Market, server: str, beneath: str) -> None:
    async with running(market.config(CALVE_HTTP_SERVER=server), "market", topology="one") as (unit,):
        answer = await client_of(unit).request("GET", "/accounts/ada")
        assert unit._http is not None
        assert type(unit._http._backend).__name__ == beneath
    assert answer.status == 200


async def test_an_ipv6_host_is_in_brackets(market: Market) -> None:
    async with running(market.config(CALVE_HTTP_HOST="::1"), "market", topology="one") as (unit,):
        assert str(unit.url).startswith("http://[::1]:")
        assert (await client_of(unit).request("GET", "/accounts/ada")).status == 200


async def test_logs_are_as_calve_toml_says_and_everything_is_released(
    market: Market, sockets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []

    class Client(WireClient):
        async def close(self) -> None:
            closed.append(self)
            await super().close()

    monkeypatch.setattr("calve.bootstrap.unit.WireClient", Client)
    config = two_units(market, sockets, CALVE_LOG_LEVEL="error", CALVE_LOG_FORMAT="console")
    before, level = asyncio.all_tasks(), logging.getLogger().level
    async with running(config, "money", "front"):
        logging.getLogger("x").warning("not shown")
        logging.getLogger("x").error("shown")
    assert asyncio.all_tasks() == before
    assert len(closed) == 2  # every unit that has a discovery file might call another
    assert logging.getLogger().level == level
    assert [line.split()[1:] for line in capsys.readouterr().err.splitlines()] == [["ERROR", "x", "shown"]] * 2


class RecordingTelemetry(Telemetry):
    """Tracing into a list, in place of what the OTEL_* variables ask for."""

    made: list[RecordingTelemetry]

    @classmethod
    def from_environment(cls, **options: Any) -> RecordingTelemetry:
        """Note what was asked for."""
        telemetry = cls(RecordingTracing())
        telemetry.options, telemetry.closed = options, False
        cls.made.append(telemetry)
        return telemetry

    options: dict[str, Any]
    closed: bool

    async def close(self, timeout_seconds: float = 5.0) -> None:
        """Note it."""
        self.closed = True


async def test_telemetry_is_of_the_unit_and_closed_last(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecordingTelemetry, "made", [], raising=False)
    monkeypatch.setattr("calve.bootstrap.unit.Telemetry", RecordingTelemetry)
    async with running(market.config(), "money") as (unit,):
        await client_of(unit).request("GET", "/accounts/ada")
        (telemetry,) = RecordingTelemetry.made
        assert (telemetry.options["app"], telemetry.options["unit"], telemetry.options["install"]) == (
            "market",
            "money",
            True,
        )
        assert telemetry.options["registry"] is unit.application.base.registry
        assert [span.name for span in telemetry.tracing.spans] == ["bank/balance"]  # type: ignore[attr-defined]
        assert not telemetry.closed
    assert telemetry.closed


async def test_a_unit_is_unready_before_and_after_and_when_its_store_fails(market: Market) -> None:
    config = market.config()
    unit = build_unit(config, config.topology(), "market")
    try:
        await unit.start()
        client = client_of(unit)
        assert (await client.request("GET", "/health/startup")).status == 503
        unit.health.become("ready")
        await unit.application.stores["bank"].close()
        ready = await client.request("GET", "/health/ready")
        assert (ready.status, ready.json()["checks"]) == (503, {"store.bank": "StoreUnavailable"})
        assert (await client.request("GET", "/health/live")).status == 200
    finally:
        await unit.stop()


async def test_starting_is_told_step_by_step(market: Market) -> None:
    config, steps = market.config(), list[str]()
    unit = build_unit(config, config.topology(), "market")
    unit.health.watch(lambda state, detail: steps.append(detail))
    try:
        await unit.start()
    finally:
        await unit.stop()
    assert steps == ["opening the store of bank", "starting bank", "starting till", "starting plain"]


async def test_the_edge_serves_all_services_and_the_others_their_own(market: Market, sockets: Path) -> None:
    async with running(two_units(market, sockets), "money", "front") as (money, front):
        for unit, paths in ((front, {"/till/ada": 500, "/accounts/ada": 200}), (money, {"/accounts/ada": 200})):
            document = (await client_of(unit).request("GET", "/openapi.json")).json()
            assert set(document["paths"]) >= {path.replace("ada", "{owner}") for path in paths}
            assert {path: (await client_of(unit).request("GET", path)).status for path in paths} == paths
        assert (await client_of(money).request("GET", "/till/ada")).status == 404


async def test_another_unit_may_be_the_edge(market: Market, sockets: Path) -> None:
    config = two_units(market, sockets, CALVE_HTTP_EDGE="money", CALVE_UNIT_FRONT_LISTEN=f"unix:{sockets}/front.sock")
    services = {"bank": [f"unix:{sockets}/money.sock"], "till": [f"unix:{sockets}/front.sock"], "plain": []}
    (sockets / "endpoints.json").write_text(json.dumps({"services": services}))
    async with running(config, "money", "front") as (money, front):
        assert (
            await client_of(money).request("GET", "/till/ada/wait", headers={"x-request-timeout": "0.1"})
        ).status == 504
        assert (await client_of(front).request("GET", "/accounts/ada")).status == 404


async def test_draining_refuses_what_is_new_and_finishes_what_runs(market: Market, sockets: Path) -> None:
    market.replace("market/till.py", "stop till with {await self.bank.balance('house')}", "stop till")
    async with running(two_units(market, sockets), "money", "front") as (money, front):
        bank = money.application._instances["bank"]
        slow = asyncio.ensure_future(client_of(front).request("GET", "/till/ada/wait"))
        await bank.called.wait()
        draining = [asyncio.ensure_future(unit.drain(0, 10)) for unit in (front, money)]
        await asyncio.sleep(0)
        while await answers(front):  # the server stops to accept on a thread of its own
            pass
        with call_options(timeout_seconds=0.1), pytest.raises(Unavailable) as caught:
            await front.application.get(market.contract("bank")).balance("ada")
        assert caught.value.may_have_run is False
        assert not any(task.done() for task in draining)
        bank.go_on.set()
        answer = await slow
        assert (answer.status, answer.json()) == (200, "done")
        await asyncio.gather(*draining)


async def test_draining_has_the_grace_it_is_given(
    market: Market, sockets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graces = []

    async def note(grace_seconds: float) -> None:
        graces.append(grace_seconds)

    async with running(two_units(market, sockets), "money") as (unit,):
        with monkeypatch.context() as patch:
            patch.setattr(unit._http, "stop", note)
            patch.setattr(unit._wire, "drain", note)
            await unit.drain(0, 7.5)
    assert graces == [7.5, 7.5]


async def test_a_call_that_outlives_the_grace_is_cut_off(market: Market) -> None:
    async with running(market.config(), "market", topology="one") as (unit,):
        slow = asyncio.ensure_future(client_of(unit).request("GET", "/slow"))
        await unit.application._instances["bank"].called.wait()
        await unit.drain(0, 0)
        answer = await slow
    assert (answer.status, answer.json()["may_have_run"]) == (503, True)


# What is refused --------------------------------------------------------------------------------------------------


async def refusal(config: AppConfig, name: str, topology: str = "split") -> str:
    """Why a unit does not start; stopping it afterwards must work."""
    unit = build_unit(config, config.topology(topology), name)
    handlers = logging.getLogger().handlers[:]
    try:
        with pytest.raises(ConfigError) as caught:
            await unit.start()
    finally:
        await unit.stop()
        await unit.stop()
    assert logging.getLogger().handlers == handlers
    return str(caught.value)


async def test_a_unit_that_is_none_is_refused(market: Market) -> None:
    config = market.config()
    with pytest.raises(ConfigError, match=r"topology 'split' has no unit 'mony'; did you mean 'money'\?"):
        build_unit(config, config.topology("split"), "mony")


async def test_the_edge_has_to_know_where_the_others_are(market: Market) -> None:
    text = await refusal(market.config(), "front")
    assert "unit 'front' serves REST for all services, and nothing says where the others are" in text
    async with running(market.config(), "money") as (money,):
        assert (await client_of(money).request("GET", "/accounts/ada")).status == 200


async def test_a_port_in_use_is_named(market: Market) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = await refusal(market.config(CALVE_UNIT_MARKET_HTTP_PORT=str(port)), "market", "one")
    assert f"port {port} of 127.0.0.1 is in use" in text
    async with running(market.config(), "market", topology="one"):
        pass  # nothing of the failed start holds the database


async def test_a_socket_that_somebody_listens_on_is_named(market: Market, sockets: Path) -> None:
    async with running(two_units(market, sockets), "money"):
        other = two_units(market, sockets, CALVE_STORE_URL="sqlite:///other/{service}.db")
        text = await refusal(other, "money")
    assert f"unix:{sockets}/money.sock: another process already listens there" in text


@pytest.mark.parametrize("section", ["wire", "unit.money"])
async def test_an_address_is_looked_for_where_it_was_written(market: Market, section: str) -> None:
    config = market.config(f"[{section}]\nlisten = 'unix:relative.sock'\n")
    assert "calve.toml:12: address 'unix:relative.sock' does not name an absolute path" in await refusal(
        config, "money"
    )


async def test_tls_without_usable_certificates_is_refused(market: Market, sockets: Path) -> None:
    for name in ("cert", "key", "ca"):
        (sockets / name).write_text("no certificate")
    files = {f"CALVE_WIRE_TLS_{name.upper()}": str(sockets / name) for name in ("cert", "key", "ca")}
    text = await refusal(market.config(CALVE_WIRE_LISTEN="tls://127.0.0.1:0", **files), "money")
    assert "certificate and key do not load" in text


@pytest.mark.parametrize("scheme", ["tls", "unix"])
async def test_units_talk_over_tls_and_over_unix_sockets_with_the_same_certificates(
    market: Market, sockets: Path, scheme: str
) -> None:
    Authority.new().options(sockets, "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    address = f"tls://127.0.0.1:{port}" if scheme == "tls" else f"unix:{sockets}/money.sock"
    files = {f"CALVE_WIRE_TLS_{name.upper()}": str(sockets / f"{name}.pem") for name in ("cert", "key", "ca")}
    config = two_units(market, sockets, **{**files, "CALVE_UNIT_MONEY_LISTEN": address})
    (sockets / "endpoints.json").write_text(json.dumps({"services": {"bank": [address]}}))
    async with running(config, "money", "front") as (_, front):
        assert (await client_of(front).request("GET", "/accounts/ada")).json() == 0


async def test_a_part_that_fails_to_stop_does_not_keep_the_others(market: Market) -> None:
    config, handlers = market.config(), logging.getLogger().handlers[:]
    unit = build_unit(config, config.topology(), "market")
    await unit.start()

    async def fail() -> None:
        raise OSError("jammed")

    unit._undo.push_async_callback(fail)
    with pytest.raises(OSError, match="jammed"):
        await unit.stop()
    assert market.seen[-1] == "stop bank"
    assert logging.getLogger().handlers == handlers
    assert not await answers(unit)


# Traces -----------------------------------------------------------------------------------------------------------


async def test_the_log_lines_of_one_request_share_a_trace_id_in_every_unit(market: Market, sockets: Path) -> None:
    market.replace("market/bank.py", ', role="bank:write"', "")
    header = f"00-{'ab' * 16}-{'cd' * 8}-00"
    async with running(two_units(market, sockets), "money", "front") as (_, front):
        found = []
        for headers in ({}, {}, {"traceparent": header}):
            with CapturedLogs() as logs:
                assert (await client_of(front).request("GET", "/till/ada", headers=headers)).status == 200
            found.append((logs.line("sold").trace_id, logs.line("debited").trace_id))
    assert all(here == there and here is not None for here, there in found)
    assert len(set(found)) == 3
    assert found[2][0] == "ab" * 16


async def test_a_failure_names_the_trace_to_look_for(market: Market) -> None:
    market.replace("market/bank.py", "return found or 0", "return 1 // 0 if owner == 'ada' else 0")
    async with running(market.config(), "market", topology="one") as (unit,):
        with CapturedLogs() as logs:
            answer = await client_of(unit).request("GET", "/accounts/ada")
    assert (answer.status, answer.json()["code"]) == (500, "internal_error")
    assert answer.json()["trace_id"] == logs.line("operation failed").trace_id
