"""Schema files on PostgreSQL: applied once whoever starts, and verified."""

from __future__ import annotations

import asyncio

import pytest

from calve.store import PostgresTarget, SchemaError, SchemaFile
from calve.store.postgres import PostgresStore

from .conftest import superuser


def bad(sql: str) -> tuple[SchemaFile, ...]:
    """A second file that does not fit."""
    return INIT, SchemaFile("0002_bad.sql", sql)


INIT = SchemaFile("0001_init.sql", "CREATE TABLE a (x INTEGER NOT NULL);\nCREATE INDEX a_by_x ON a (x);")
MORE = SchemaFile("0002_more.sql", "ALTER TABLE a ADD COLUMN y TEXT;")


async def apply(target: PostgresTarget, *files: SchemaFile) -> None:
    """Open and close a store."""
    async with await PostgresStore.open(target, files):
        pass


async def test_files_are_applied_once_and_recorded(target: PostgresTarget) -> None:
    await apply(target, INIT)
    await apply(target, INIT, MORE)
    await apply(target, INIT, MORE)
    async with await PostgresStore.open(target, (INIT, MORE)) as store:
        rows = await store.all("SELECT number, name, sha256 FROM calve_schema ORDER BY number")
    assert [tuple(row) for row in rows] == [(1, INIT.name, INIT.sha256), (2, MORE.name, MORE.sha256)]


async def test_replicas_that_start_together_apply_each_file_once(target: PostgresTarget) -> None:
    counted = SchemaFile("0002_count.sql", "CREATE TABLE n (x INT); INSERT INTO n VALUES (1); SELECT pg_sleep(0.05);")
    await asyncio.gather(*(apply(target, INIT, counted) for _ in range(6)))
    async with await PostgresStore.open(target, (INIT, counted)) as store:
        assert await store.one("SELECT count(*) AS n FROM n", int) == 1


async def test_a_file_for_this_database_alone_counts_as_the_step(target: PostgresTarget) -> None:
    await apply(target, INIT)
    await apply(target, SchemaFile("0001_init.postgres.sql", INIT.sql))


async def test_a_file_of_comments_is_a_step(target: PostgresTarget) -> None:
    await apply(target, INIT, SchemaFile("0002_search.postgres.sql", "-- nothing to do here\n"))


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ((SchemaFile("0001_init.sql", INIT.sql + " "),), "0001_init.sql: was changed after it had been applied"),
        ((SchemaFile("0001_other.sql", INIT.sql),), "0001_other.sql: was applied as 0001_init.sql"),
        ((), r"^postgresql://\S+: 0001_init.sql was applied to the database, but the file is not there"),
        (
            bad("CREATE TABLE b (x INT);\nCREATE TABEL c (x INT);"),
            r"0002_bad\.sql:2: .*TABEL",
        ),
        (
            bad("SELECT 1;\n\nCOMMIT;"),
            r"0002_bad\.sql:3: COMMIT is not for a schema file",
        ),
        (bad("SET search_path = x"), r"0002_bad\.sql:1: SET is not for a schema file"),
        (bad("CREATE INDEX CONCURRENTLY i ON a (x)"), "cannot run inside a transaction"),
        ((INIT, SchemaFile("0003_gap.sql", "SELECT 1")), "its number is 0003, but 0002 comes next"),
    ],
)
async def test_what_does_not_fit_stops_the_start(
    target: PostgresTarget, files: tuple[SchemaFile, ...], text: str
) -> None:
    await apply(target, INIT)
    with pytest.raises(SchemaError, match=text):
        await apply(target, *files)
    await apply(target, INIT)  # nothing of the refused file is there


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("DROP INDEX a_by_x", "missing: index a_by_x on a"),
        ("ALTER TABLE a ADD COLUMN z INT", "altered: table a"),
        ("ALTER TABLE a ALTER COLUMN x DROP NOT NULL", "altered: table a"),
        ("CREATE UNIQUE INDEX sly ON a (x)", "added: index sly on a"),
        ("ALTER TABLE a ADD CHECK (x > 0)", "added: constraint a_x_check on a"),
        ("DROP TABLE a", "missing: index a_by_x on a, table a"),
    ],
)
async def test_changes_by_hand_are_found(target: PostgresTarget, sql: str, text: str) -> None:
    await apply(target, INIT)
    async with superuser(target) as connection:
        await connection.execute(f'SET search_path = "{target.schema}"; {sql}')
    with pytest.raises(SchemaError, match=text):
        await apply(target, INIT)


async def test_tables_of_others_are_nobodys_business(target: PostgresTarget) -> None:
    await apply(target, INIT)
    async with superuser(target) as connection:
        await connection.execute(f'CREATE TABLE "{target.schema}".backup_log (x INT)')
    await apply(target, INIT)


async def test_after_an_upgrade_of_the_server_descriptions_may_differ(target: PostgresTarget) -> None:
    await apply(target, INIT)
    async with superuser(target) as connection:
        objects = '{"server": "9", "table a": "as version 9 has it"}'
        await connection.execute(f'UPDATE "{target.schema}".calve_schema SET objects = $1', objects)
    await apply(target, INIT)


async def test_bodies_of_functions_may_have_semicolons(target: PostgresTarget) -> None:
    body = """CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN; NEW.x = 1; RETURN NEW; END $$;
        CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();"""
    await apply(target, INIT, SchemaFile("0002_trigger.sql", body.replace("BEGIN;", "BEGIN")))
