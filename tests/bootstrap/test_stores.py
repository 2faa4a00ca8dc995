"""Stores: made where calve.toml says, counted, and refused with the next step when they cannot be."""

from __future__ import annotations

from calve.core.context import Principal, call_options

from .conftest import Market, refusal


async def test_a_store_is_made_with_its_folder_and_counted(market: Market) -> None:
    application = await market.started()
    assert (market.data / "bank.db").is_file()
    assert not (market.data / "till.db").exists()
    counted = {
        (i.name, i.labels["service"]): value for i, value in application.base.registry.read() if "service" in i.labels
    }
    assert counted["calve.store.transactions", "bank"] == 0
    with call_options(principal=Principal("ada", frozenset({"bank:write"}))):
        await application.get(market.contract("bank")).debit("ada", 2)
    counted = {(i.name, i.labels["service"]): value for i, value in application.base.registry.read()}
    assert counted["calve.store.transactions", "bank"] == 1
    assert counted["calve.store.commit_duration", "bank"] > 0


async def test_a_folder_that_cannot_be_made_is_named(market: Market) -> None:
    market.data.write_text("in the way")
    text = await refusal(market.application(market.config("[store]\nurl = 'sqlite:///data/{service}.db'\n")))
    assert f"cannot make the folder {market.data}: File exists" in text
    assert "calve.toml:12: " in text
    assert "name a folder that this user may write to" in text


async def test_a_file_that_is_no_database_is_named(market: Market) -> None:
    market.data.mkdir()
    (market.data / "bank.db").write_text("this is no database, but it is long enough to look like one" * 20)
    assert "bank.db: is not a SQLite database; move that file away" in await refusal(market.application())


async def test_a_wrong_schema_file_is_named(market: Market) -> None:
    market.write("market/schema/0002_more.sql", "CREATE TABLE account (x);")
    text = await refusal(market.application())
    assert "0002_more.sql:1: " in text
    assert "already exists" in text


async def test_a_database_belongs_to_one_application(market: Market) -> None:
    await market.started()
    text = await refusal(market.application())
    assert "bank.db" in text
    assert "process" in text


async def test_two_services_side_by_side_do_not_share_a_schema(market: Market) -> None:
    market.replace("market/plain.py", "import Contract, query", "import Contract, Store, query")
    market.replace(
        "market/plain.py", "Service(Plain):\n", "Service(Plain):\n    def __init__(self, store: Store) -> None: ...\n"
    )
    text = await refusal(market.application())
    assert "market.bank and market.plain both have their schema in" in text
    assert "make each a package of its own" in text
    assert not market.data.exists()
