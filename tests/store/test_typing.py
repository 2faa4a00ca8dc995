"""What type checkers see: mypy checks this file with the rest, and the bodies show that it is true at run time too."""

from __future__ import annotations

from typing import assert_type

from calve.store import Reader, Row, SchemaFile, SqliteStore, Store, Transaction

from .sqlite.conftest import ACCOUNTS


async def use(store: Store) -> None:
    """Everything a service may ask a store for."""
    assert_type(await store.one("SELECT 1 AS x"), Row | None)
    assert_type(await store.one("SELECT :x AS x", int, x=1), int | None)
    assert_type(await store.all("SELECT 1 AS x"), list[Row])
    assert_type(await store.all("SELECT 'a' AS name, 'b' AS sql", SchemaFile), list[SchemaFile])
    async with store.read() as reader:
        assert_type(reader, Reader)
    async with store.transaction() as tx:
        assert_type(tx, Transaction)
        assert_type(await tx.execute("DELETE FROM account"), int)
        assert_type(await tx.one("SELECT count(*) AS n FROM account", int), int | None)


async def test_what_reads_return() -> None:
    async with await SqliteStore.memory(ACCOUNTS) as store:
        await use(store)
