"""An application: what is checked before anything opens, in which order it lives and dies, and what fails alone."""

from __future__ import annotations

import asyncio

import pytest

from calve.core.context import Principal, call_options
from calve.core.errors import ConfigError, InvalidArgument
from calve.store import SqliteStore, load_schema
from calve.testing.fakes.observe import CapturedLogs
from calve.testing.fakes.remote import FakeRemote

from .conftest import Market, refusal

SETTINGS = """
from calve import Settings

class PlainSettings(Settings):
    limit: int

class PlainService(Plain):
    def __init__(self, settings: PlainSettings) -> None:
        self.settings = settings
"""


async def reopen(market: Market) -> None:
    """Fails when somebody still holds the database."""
    store = await SqliteStore.open(market.data / "bank.db", load_schema(market.root / "market/schema"))
    await store.close()


async def test_services_call_each_other(market: Market) -> None:
    application = await market.started()
    till, bank = application.get(market.contract("till")), application.get(market.contract("bank"))
    with call_options(principal=Principal("ada", frozenset({"bank:write"}))):
        assert await till.sell("ada") == -1
        assert await bank.debit("ada", 2) == -3
    assert await bank.balance("ada") == -3


async def test_messages_have_the_limit_that_the_wire_has(market: Market) -> None:
    application = await market.started(market.config(CALVE_WIRE_FRAME_BYTES_MAX="2048"))
    bank = application.get(market.contract("bank"))
    assert await bank.balance("a" * 1000) == 0
    with pytest.raises(InvalidArgument, match="2048"):
        await bank.balance("a" * 3000)


async def test_what_is_called_starts_first_and_stops_last(market: Market) -> None:
    steps: list[str] = []
    application = market.application(progress=steps.append)
    await application.start()
    assert market.seen == ["start bank", "start till with 0"]
    assert steps == ["opening the store of bank", "starting bank", "starting till", "starting plain"]
    await application.stop()
    await application.stop()
    assert market.seen[2:] == ["stop till with 0", "stop bank"]
    await reopen(market)


async def test_endpoints_are_in_the_order_of_calve_toml(market: Market) -> None:
    application = await market.started()
    assert [e.service for e in application.edge_endpoints()] == [e.service for e in application.hosted_endpoints()]
    assert next(iter(application.endpoints)) == "bank"  # the first that started
    services = list(dict.fromkeys(endpoint.service for endpoint in application.edge_endpoints()))
    assert services == ["till", "bank", "plain"]
    part = await market.started(None, {"plain"}, remote=FakeRemote())
    assert {endpoint.service for endpoint in part.hosted_endpoints()} == {"plain"}
    assert {endpoint.service for endpoint in part.edge_endpoints()} == {"till", "bank", "plain"}


# What is refused --------------------------------------------------------------------------------------------------


async def test_settings_are_checked_before_anything_opens(market: Market) -> None:
    market.replace("market/plain.py", "class PlainService(Plain):\n", SETTINGS)
    text = await refusal(market.application())
    assert "[service.plain] limit is not set" in text
    assert "CALVE_SERVICE_PLAIN_LIMIT" in text
    text = await refusal(market.application(market.config("[service.plain]\nlimit = 'x'\n")))
    assert "[service.plain] limit: expected `int`" in text
    assert not market.data.exists()
    application = await market.started(market.config("[service.plain]\nlimit = 7\n"))
    assert application._instances["plain"].settings.limit == 7


async def test_settings_that_nobody_asks_for_are_refused(market: Market) -> None:
    text = await refusal(market.application(market.config("[service.plain]\ncolour = 'red'\n")))
    assert "calve.toml:11: [service.plain] has settings, but PlainService asks for none" in text
    application = market.application(market.config("[service.plain]\ncolour = 'red'\n"), {"bank"})
    await application.start()  # they are for another unit
    await application.stop()


@pytest.mark.parametrize(
    ("path", "old", "new", "text"),
    [
        ("bank", "async def start(self)", "def start(self)", "'start' is called when its unit starts, but is not"),
        ("till", "async def stop(self)", "async def stop(self, why)", "'stop' is called when its unit stops, but is"),
        ("bank", "store: Store,", "stores: int,", "parameter 'stores' of type int cannot be injected"),
        ("plain", "PlainService(Plain)", "PlainService", "no implementation of Plain"),
        (
            "plain",
            "Service(Plain):\n    async def nothing(self) -> None: ...",
            "Service(Plain): ...",
            "not implemented",
        ),
        ("plain", "Service(Plain):\n    async def", "Service(Plain):\n    def", "must be declared with async def"),
    ],
)
async def test_what_cannot_be_put_together_is_refused(market: Market, path: str, old: str, new: str, text: str) -> None:
    market.replace(f"market/{path}.py", old, new)
    assert text in await refusal(market.application())
    assert not market.data.exists()


async def test_an_operation_may_be_called_start_or_stop(market: Market) -> None:
    market.replace("market/plain.py", "Contract, query", "Contract, query\nfrom .events import SEEN")
    market.replace(
        "market/plain.py",
        "    async def nothing(self) -> None: ...\n\nclass",
        "    async def start(self) -> None: ...\n\nclass",
    )
    market.replace(
        "market/plain.py",
        "async def nothing(self) -> None: ...",
        "async def start(self) -> None: SEEN.append('called')",
    )
    application = await market.started(None, {"plain"})
    assert market.seen == []
    await application.get(market.contract("plain")).start()
    assert market.seen == ["called"]


async def test_a_contract_that_nobody_implements_is_named_with_near_misses(market: Market) -> None:
    application = await market.started()

    class Bnak:
        pass

    with pytest.raises(ConfigError, match=r"nobody implements Bnak; did you mean 'Bank'\?"):
        application.get(Bnak)


async def test_a_service_that_calls_another_unit_needs_to_know_where_it_is(market: Market) -> None:
    text = await refusal(market.application(None, {"till"}))
    assert "till calls Bank, whose service is hosted elsewhere, and nothing says where" in text
    assert "set [discovery] file" in text
    application = await market.started(None, {"bank"})
    assert {endpoint.service for endpoint in application.edge_endpoints()} == {"bank"}
    with pytest.raises(ConfigError, match="whose service is hosted elsewhere"):
        application.get(market.contract("till"))


async def test_what_is_not_hosted_is_called_through_the_wire(market: Market) -> None:
    remote = FakeRemote(answers={"bank.balance": 7, "bank.debit": 6})
    application = await market.started(None, {"till"}, remote=remote)
    assert market.seen == ["start till with 7"]
    assert await application.get(market.contract("till")).sell("ada") == 6
    assert not market.data.exists()


# What fails alone -------------------------------------------------------------------------------------------------


async def test_a_start_that_fails_stops_what_had_started_and_closes_the_stores(market: Market) -> None:
    market.replace("market/till.py", 'SEEN.append(f"start till', 'raise OSError("no till")\n        SEEN.append(f"')
    with pytest.raises(OSError, match="no till"):
        await market.application().start()
    assert market.seen == ["start bank", "stop bank"]
    await reopen(market)


async def test_a_start_that_is_cancelled_closes_the_stores(market: Market) -> None:
    market.replace("market/till.py", 'SEEN.append(f"start till', 'await self.bank.slow()\n        SEEN.append(f"')
    constructed = asyncio.Event()
    application = market.application(progress=lambda step: constructed.set() if step == "starting till" else None)
    starting = asyncio.ensure_future(application.start())
    await constructed.wait()
    await application._instances["bank"].called.wait()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert market.seen == ["start bank", "stop bank"]
    await reopen(market)


async def test_a_stop_that_fails_is_logged_and_keeps_nobody_else(market: Market) -> None:
    market.replace("market/till.py", 'SEEN.append(f"stop till', 'raise OSError("jammed")\n        SEEN.append(f"')
    application = market.application()
    await application.start()
    with CapturedLogs() as logs:
        await application.stop()
    line = logs.line("service did not stop cleanly")
    assert (line.fields["service"], line.exception["message"]) == ("till", "jammed")
    assert market.seen[-1] == "stop bank"
    await reopen(market)


async def test_a_stop_that_hangs_is_given_up(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calve.bootstrap.application.HOOK_SECONDS", 0.01)
    market.replace("market/till.py", 'SEEN.append(f"stop till', 'await self.bank.slow()\n        SEEN.append(f"')
    application = market.application()
    await application.start()
    with CapturedLogs() as logs:
        await application.stop()
    assert logs.line("service did not stop cleanly").exception["type"] == "TimeoutError"
    assert market.seen[-1] == "stop bank"
    await reopen(market)


async def test_a_stop_that_hangs_and_is_cancelled_still_closes_the_stores(market: Market) -> None:
    market.replace("market/till.py", 'SEEN.append(f"stop till', 'await self.bank.slow()\n        SEEN.append(f"')
    application = market.application()
    await application.start()
    stopping = asyncio.ensure_future(application.stop())
    await application._instances["bank"].called.wait()
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    await reopen(market)


async def test_a_store_that_does_not_close_is_logged(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    application = market.application()
    await application.start()
    store = application.stores["bank"]

    async def fail() -> None:
        raise OSError("disk on fire")

    with monkeypatch.context() as patch, CapturedLogs() as logs:
        patch.setattr(store, "close", fail)
        await application.stop()
    await store.close()
    assert logs.line("store did not close cleanly").exception["message"] == "disk on fire"
