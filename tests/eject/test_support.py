"""The support package at work in this process: its stores, on both databases, and its idempotency keys.

It is imported under a name of its own from where it was written to; it imports nothing but itself and libraries.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import Response

from calve.eject.ejecting import STORE, SUPPORT
from calve.eject.text import template
from calve.testing.postgres import Missing, temporary_database

NAME = "ejected_support"
TABLES = """CREATE TABLE thing (
    id TEXT PRIMARY KEY, number BIGINT, name TEXT, price TEXT, at TEXT, day TEXT, flag BIGINT CHECK (flag IN (0, 1))
);
CREATE TABLE part (thing TEXT NOT NULL REFERENCES thing (id));"""


@pytest.fixture(scope="module")
def support(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The package."""
    folder = tmp_path_factory.mktemp("support") / NAME
    for name in (*SUPPORT, "calls.py", *STORE, "store/sqlite.py", "store/postgres.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(template(f"support/{name}"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(
        NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[NAME] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


def room(name: str) -> Any:
    """A module of the package."""
    return importlib.import_module(f"{NAME}.{name}")


@pytest_asyncio.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, support: ModuleType, tmp_path: Path) -> AsyncIterator[Any]:
    """A store with two tables."""
    (tmp_path / "0001_things.sql").write_text(TABLES)
    schema = room("store.schema").load_schema(tmp_path)
    if request.param == "sqlite":
        opened = await room("store.sqlite").SqliteStore.open(tmp_path / "data" / "things.db", schema)
        yield opened
        await opened.close()
        return
    try:
        async with temporary_database() as target:
            opened = await room("store.postgres").PostgresStore.open(str(target), None, schema)
            yield opened
            await opened.close()
    except Missing as missing:
        pytest.skip(str(missing))


class Colour(Enum):
    """A value that is stored by its value."""

    RED = "red"


class Thing(msgspec.Struct):
    """A row."""

    id: Any
    number: int
    name: Colour
    price: Decimal
    at: datetime
    day: date
    flag: bool


INSERT = "INSERT INTO thing VALUES (:id, :number, :name, :price, :at, :day, :flag)"


def thing(**changes: Any) -> dict[str, Any]:
    """Parameters of a row."""
    return {
        "id": uuid4(),
        "number": 2**63 - 1,
        "name": Colour.RED,
        "price": Decimal("1.10"),
        "at": datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2))),
        "day": date(2026, 1, 31),
        "flag": 1,
        **changes,
    }


async def test_values_come_back_as_the_type_that_is_asked_for(store: Any) -> None:
    given = thing()
    async with store.transaction() as tx:
        assert await tx.execute(INSERT, **given) == 1
    row = await store.one("SELECT * FROM thing", Thing)
    assert (row.number, row.name, row.price, row.day) == (2**63 - 1, Colour.RED, Decimal("1.10"), date(2026, 1, 31))
    assert (row.at, row.flag) == (datetime(2026, 1, 31, 10, tzinfo=UTC), True)
    assert await store.one("SELECT at FROM thing", str) == "2026-01-31T10:00:00.000000Z"
    plain = await store.one("SELECT id, number FROM thing")
    assert plain.id == plain["id"] == plain[0] == str(given["id"])
    assert dict(plain) == {"id": str(given["id"]), "number": 2**63 - 1}
    assert await store.one("SELECT sum(flag) FROM thing", int) == 1


async def test_nothing_of_a_block_that_failed_is_left(store: Any) -> None:
    async def fail() -> None:
        async with store.transaction() as tx:
            await tx.execute(INSERT, **thing())
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert await store.all("SELECT * FROM thing") == []


async def test_a_caught_failure_of_a_statement_still_ends_the_transaction(store: Any, support: ModuleType) -> None:
    given = thing()

    async def insert_twice() -> None:
        async with store.transaction() as tx:
            await tx.execute(INSERT, **given)
            with pytest.raises(support.ConstraintViolated) as caught:
                await tx.execute(INSERT, **given)
            assert caught.value.kind == "unique"

    with pytest.raises(support.TransactionError):
        await insert_twice()
    assert await store.all("SELECT * FROM thing") == []


async def test_a_savepoint_keeps_the_rest(store: Any, support: ModuleType) -> None:
    given = thing()

    async def insert_both(tx: Any) -> None:
        async with tx.savepoint():
            await tx.execute(INSERT, **thing())
            await tx.execute(INSERT, **given)

    async with store.transaction() as tx:
        await tx.execute(INSERT, **given)
        with pytest.raises(support.ConstraintViolated):
            await insert_both(tx)
        async with tx.savepoint():
            await tx.execute(INSERT, **thing())
    assert len(await store.all("SELECT * FROM thing")) == 2


async def test_rules_of_the_schema_are_told_apart(store: Any, support: ModuleType) -> None:
    for kind, sql, params in (
        ("check", INSERT, thing(flag=2)),
        ("not_null", "INSERT INTO part VALUES (:thing)", {"thing": None}),
        ("foreign_key", "INSERT INTO part VALUES (:thing)", {"thing": "x"}),
    ):
        with pytest.raises(support.ConstraintViolated) as caught:
            async with store.transaction() as tx:
                await tx.execute(sql, **params)
        assert caught.value.kind == kind


async def test_wrong_statements_are_named(store: Any, support: ModuleType) -> None:
    with pytest.raises(support.StatementError):
        await store.all("SELECT * FROM nowhere")
    with pytest.raises(support.StatementError):
        await store.all("SELECT * FROM thing WHERE id = :id")
    async with store.transaction() as tx:
        await tx.execute_many(INSERT, [thing(), thing()])
    with pytest.raises(support.StatementError):
        await store.one("SELECT * FROM thing")
    with pytest.raises(support.StatementError, match="time zone"):
        await store.all("SELECT 1 FROM thing WHERE at > :now", now=datetime(2026, 1, 1))


async def test_many_rows_at_once_are_counted(store: Any) -> None:
    async with store.transaction() as tx:
        assert await tx.execute_many(INSERT, (thing(number=n) for n in range(25))) == 25
        assert await tx.execute_many(INSERT, []) == 0
        assert await tx.execute("UPDATE thing SET flag = 0 WHERE number < :most", most=10) == 10


async def test_a_snapshot_sees_one_state(store: Any) -> None:
    async with store.read() as reader:
        assert await reader.all("SELECT * FROM thing") == []
        async with store.transaction() as tx:
            await tx.execute(INSERT, **thing())
        assert await reader.all("SELECT * FROM thing") == []
        assert len(await store.all("SELECT * FROM thing")) == 1


async def test_a_parameter_may_be_asked_whether_it_is_null(store: Any) -> None:
    async with store.transaction() as tx:
        await tx.execute_many(INSERT, [thing(number=1), thing(number=2)])
    sql = "SELECT number FROM thing WHERE (:number IS NULL OR number = :number) AND ':x' <> id -- :y\n"
    assert len(await store.all(sql, int, number=None)) == 2
    assert await store.all(sql, int, number=2) == [2]


async def test_writers_take_turns(store: Any) -> None:
    async with store.transaction() as tx:
        await tx.execute(INSERT, **thing(id="counter", number=0))

    async def add() -> None:
        async with store.transaction() as tx:
            number = await tx.one("SELECT number FROM thing", int)
            await tx.execute("UPDATE thing SET number = :number", number=number + 1)

    await asyncio.gather(*(add() for _ in range(20)))
    assert await store.one("SELECT number FROM thing", int) == 20


async def test_who_is_cancelled_before_his_turn_leaves_nothing_behind(support: ModuleType, tmp_path: Path) -> None:
    store = await room("store.sqlite").SqliteStore.open(tmp_path / "things.db", [])
    holder = sqlite3.connect(tmp_path / "things.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    async def write() -> None:
        async with store.transaction() as tx:
            await tx.execute("CREATE TABLE never (id INTEGER)")

    task = asyncio.create_task(write())
    while not store._turn.locked():  # noqa: ASYNC110  (it tells nobody)
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    holder.execute("ROLLBACK")
    holder.close()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with store.transaction() as tx:
        await tx.execute("CREATE TABLE ever (id INTEGER)")
    await store.close()


async def test_schema_files_are_applied_once_and_held_to(support: ModuleType, tmp_path: Path) -> None:
    schema, sqlite = room("store.schema"), room("store.sqlite")
    first = tmp_path / "0001_first.sql"
    first.write_text("CREATE TABLE a (id INTEGER);\nCREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; SELECT 2; END;")

    async def opened() -> None:
        store = await sqlite.SqliteStore.open(tmp_path / "x.db", schema.load_schema(tmp_path))
        await store.close()

    await opened()
    await opened()
    (tmp_path / "0002_second.sql").write_text("INSERT INTO a VALUES (1);\nCREATE TABLE b (wrong;")
    with pytest.raises(support.SchemaError, match=r"0002_second\.sql"):
        await opened()
    (tmp_path / "0002_second.sql").write_text("ALTER TABLE a ADD COLUMN b TEXT;")
    await opened()
    first.write_text("CREATE TABLE a (id TEXT);")
    with pytest.raises(support.SchemaError, match="changed or renamed"):
        await opened()
    first.rename(tmp_path / "0003_first.sql")
    with pytest.raises(support.SchemaError, match="0001"):
        await opened()


def test_settings_come_from_the_environment_and_hide_secrets(
    support: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = room("settings").load_settings
    made = msgspec.defstruct("Made", [("pin", support.Secret), ("size", int, 3), ("names", tuple[str, ...], ())])
    monkeypatch.setenv("BOX_NAMES", '["a", "b"]')
    with pytest.raises(support.ConfigError, match="BOX_PIN is not set"):
        load(made, "BOX")
    monkeypatch.setenv("BOX_PIN", "1234")
    settings = load(made, "BOX", {"size": 7})
    assert (settings.size, settings.names, settings.pin.reveal()) == (7, ("a", "b"), "1234")
    assert "1234" not in repr(settings)
    monkeypatch.setenv("BOX_SIZE", "large")
    with pytest.raises(support.ConfigError, match="BOX_SIZE"):
        load(made, "BOX")


def test_times_of_day_are_text(support: ModuleType) -> None:
    assert room("store.base").to_text(time(12, 30)) == "12:30:00.000000"


class Till:
    """A command over a store, and requests for it; each `Keys` is a process of its own."""

    def __init__(self, store: Any) -> None:
        self.store, self.runs = store, 0

    async def sell(self, *, key: str = "k", body: bytes = b'{"a": 1}', fail: str = "", together: bool = False) -> Any:
        """One request to a process that has just started."""
        scope = {"type": "http", "method": "POST", "path": "/sales", "query_string": b"", "headers": []}
        received = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            return next(received)

        async def command() -> Any:
            self.runs += 1
            if fail == "first":
                with contextlib.suppress(RuntimeError):
                    async with self.store.transaction():
                        raise RuntimeError
            try:
                async with self.store.transaction() as tx:
                    await tx.execute(INSERT, **thing())
                    if together:
                        await tx.answer(self.runs)
                    if fail == "inside":
                        raise RuntimeError
                if fail == "after":
                    raise RuntimeError
            except RuntimeError:
                return Response(status_code=500)
            return room("operations").good(self.runs, int, 200)

        def encode(value: int) -> Any:
            return room("operations").good(value, int, 200)

        return await room("keys").Keys(self.store).run("sell", key, Request(scope, receive), command, encode)


async def test_the_answer_is_known_to_the_next_process(store: Any, support: ModuleType) -> None:
    till = Till(store)
    first, again = await till.sell(), await till.sell(body=b'{ "a":1 }')
    assert (first.body, again.body, till.runs) == (b"1", b"1", 1)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    with pytest.raises(support.KeyReused):
        await till.sell(body=b'{"a": 2}')
    assert (await till.sell(key="another")).body == b"2"
    assert len(await store.all("SELECT id FROM thing")) == 2


async def test_what_left_nothing_runs_again(store: Any) -> None:
    till = Till(store)
    assert (await till.sell(fail="inside")).status_code == 500
    assert (await till.sell()).body == b"2"


async def test_the_key_is_left_by_the_first_transaction_that_is_kept(store: Any) -> None:
    till = Till(store)
    assert (await till.sell(fail="first")).body == b"1"
    assert ((await till.sell()).body, till.runs) == (b"1", 1)


async def test_an_effect_without_an_answer_is_not_repeated(store: Any, support: ModuleType) -> None:
    till = Till(store)
    assert (await till.sell(fail="after")).status_code == 500
    with pytest.raises(support.AnswerLost if store.exclusive else support.InFlight):
        await till.sell()
    assert (till.runs, len(await store.all("SELECT id FROM thing"))) == (1, 1)


async def test_an_answer_within_the_transaction_outlives_what_comes_after(store: Any) -> None:
    till = Till(store)
    assert (await till.sell(fail="after", together=True)).status_code == 500
    assert (await till.sell()).body == b"1"
    assert (await till.sell(key="other", fail="inside", together=True)).status_code == 500
    assert (await till.sell(key="other")).body == b"3"
