"""Schema files applied and verified: what is new is applied once, and everything that does not fit stops the start."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from calve.store import SchemaError, SchemaFile, SqliteStore, load_schema

INIT = "CREATE TABLE wallet (owner TEXT PRIMARY KEY, cents INTEGER NOT NULL) STRICT;\n"
INDEX = "CREATE INDEX wallet_by_cents ON wallet (cents);\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A schema folder with two files."""
    folder = tmp_path / "schema"
    folder.mkdir()
    (folder / "0001_init.sql").write_text(INIT)
    (folder / "0002_index.sql").write_text(INDEX)
    return folder


async def start(folder: Path) -> list[str]:
    """Open the database beside the folder; its objects."""
    async with await SqliteStore.open(folder.parent / "a.db", load_schema(folder)) as store:
        objects = "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
        names = await store.all(objects, str)
        return [name for name in names if name == "calve_schema" or not name.startswith("calve_")]


async def refused(folder: Path) -> SchemaError:
    """The error of a start."""
    with pytest.raises(SchemaError) as caught:
        await start(folder)
    assert caught.value.exit_code == 2
    return caught.value


def by_hand(folder: Path, *statements: str) -> None:
    """Change the database with another tool."""
    with apsw.Connection(str(folder.parent / "a.db")) as raw:
        for statement in statements:
            raw.execute(statement).fetchall()
    raw.close()


async def test_files_are_applied_once_and_in_order(folder: Path) -> None:
    assert await start(folder) == ["calve_schema", "wallet", "wallet_by_cents"]
    assert await start(folder) == ["calve_schema", "wallet", "wallet_by_cents"]
    (folder / "0003_more.sql").write_text(
        "ALTER TABLE wallet ADD COLUMN note TEXT; INSERT INTO wallet VALUES ('a', 1, 'x')"
    )
    await start(folder)
    await start(folder)
    async with await SqliteStore.open(folder.parent / "a.db", load_schema(folder)) as store:
        assert await store.all("SELECT note FROM wallet", str) == ["x"]
        rows = await store.all("SELECT name, length(sha256) AS hex, applied_at FROM calve_schema ORDER BY number")
    assert [(row.name, row.hex) for row in rows] == [
        (f"000{i}_{w}.sql", 64) for i, w in enumerate(("init", "index", "more"), 1)
    ]
    assert all(row.applied_at.endswith("+00:00") for row in rows)


Change = Callable[[Path], object]


@pytest.mark.parametrize(
    ("change", "where", "text"),
    [
        (
            lambda f: (f / "0001_init.sql").write_text(INIT + "-- x"),
            "0001_init.sql",
            "changed after it had been applied",
        ),
        (
            lambda f: (f / "0001_init.sql").rename(f / "0001_start.sql"),
            "0001_start.sql",
            "was applied as 0001_init.sql",
        ),
        (lambda f: (f / "0002_index.sql").unlink(), "", "0002_index.sql was applied to the database, but"),
        (lambda f: (f / "0001_init.sql").unlink(), "0002_index.sql", "0001 comes next"),
        (lambda f: (f / "0002_other.sql").write_text(INDEX), "0002_other.sql", "same number as 0002_index.sql"),
        (lambda f: (f / "0004_gap.sql").write_text(INDEX), "0004_gap.sql", "its number is 0004, but 0003 comes next"),
        (lambda f: (f / "3_short.sql").write_text(INDEX), "3_short.sql", "not a name for a schema file"),
    ],
)
async def test_files_that_do_not_fit_stop_the_start(folder: Path, change: Change, where: str, text: str) -> None:
    await start(folder)
    change(folder)
    error = await refused(folder)
    assert error.where == str(folder / where)
    assert text in str(error)
    assert error.fix


async def test_without_any_file_the_database_is_named(folder: Path) -> None:
    await start(folder)
    shutil.rmtree(folder)
    error = await refused(folder)
    assert error.where is not None
    assert error.where.endswith(".db")


async def test_line_ends_do_not_count(folder: Path) -> None:
    await start(folder)
    (folder / "0001_init.sql").write_bytes(INIT.replace("\n", "\r\n").encode())
    await start(folder)


@pytest.mark.parametrize(
    ("sql", "line", "text"),
    [
        ("\n\nCREATE TABL x (a);", 3, "syntax error"),
        ("-- a; b\nCREATE TABLE x (a TEXT);\nINSERT INTO x\nVALUES (1, 2);", 3, "1 columns but 2 values"),
        ("CREATE TABLE x (a TEXT);\n/* ; */ INSERT INTO x\nVALUES (nowhere);", 3, "no such column"),
        ("SELECT 1;\nCOMMIT;", 2, "COMMIT is not for a schema file"),
        ("PRAGMA foreign_keys = ON", 1, "PRAGMA is not for a schema file"),
        ("CREATE TRIGGER t AFTER INSERT ON wallet BEGIN\n SELECT RAISE(ROLLBACK, 'no');\nEND;", 2, "ABORT"),
        ("INSERT INTO wallet VALUES ('a', 1);\nINSERT INTO wallet VALUES ('a', 1);", 2, "UNIQUE constraint failed"),
    ],
)
async def test_a_faulty_file_names_its_line_and_leaves_no_trace(folder: Path, sql: str, line: int, text: str) -> None:
    (folder / "0003_bad.sql").write_text(sql)
    error = await refused(folder)
    assert error.where == f"{folder / '0003_bad.sql'}:{line}"
    assert text in str(error)
    (folder / "0003_bad.sql").unlink()
    assert await start(folder) == ["calve_schema", "wallet", "wallet_by_cents"]


async def test_triggers_with_several_statements(folder: Path) -> None:
    (folder / "0003_trigger.sql").write_text(
        """-- keeps a log; of everything
        CREATE TABLE log (text TEXT);
        CREATE TRIGGER log_insert AFTER INSERT ON wallet BEGIN
            INSERT INTO log VALUES ('one; ' || new.owner);
            INSERT INTO log VALUES (CASE WHEN 1 THEN 'two' END);
        END;
        INSERT INTO wallet VALUES ('ada', 1)"""
    )
    await start(folder)
    async with await SqliteStore.open(folder.parent / "a.db", load_schema(folder)) as store:
        assert await store.all("SELECT text FROM log", str) == ["one; ada", "two"]


async def test_a_table_may_be_rebuilt_although_others_refer_to_it(folder: Path) -> None:
    (folder / "0003_child.sql").write_text(
        """CREATE TABLE child (owner TEXT REFERENCES wallet (owner) ON DELETE CASCADE);
        INSERT INTO wallet VALUES ('ada', 1); INSERT INTO child VALUES ('ada');"""
    )
    (folder / "0004_rebuild.sql").write_text(
        """CREATE TABLE wallet_new (owner TEXT PRIMARY KEY, cents INTEGER NOT NULL CHECK (cents >= 0)) STRICT;
        INSERT INTO wallet_new SELECT * FROM wallet;
        DROP TABLE wallet;
        ALTER TABLE wallet_new RENAME TO wallet;"""
    )
    await start(folder)
    async with await SqliteStore.open(folder.parent / "a.db", load_schema(folder)) as store:
        assert await store.all("SELECT owner FROM child", str) == ["ada"]


async def test_a_file_that_breaks_foreign_keys_is_refused(folder: Path) -> None:
    (folder / "0003_child.sql").write_text(
        "CREATE TABLE child (owner TEXT REFERENCES wallet (owner)); INSERT INTO child VALUES ('nobody')"
    )
    assert "row 1 of child without its row in wallet" in str(await refused(folder))


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("ALTER TABLE wallet ADD COLUMN note TEXT", "altered: table wallet"),
        ("DROP INDEX wallet_by_cents", "missing: index wallet_by_cents on wallet"),
        ("CREATE UNIQUE INDEX mine ON wallet (cents)", "added: index mine on wallet"),
        ("CREATE TRIGGER t AFTER INSERT ON wallet BEGIN SELECT 1; END", "added: trigger t on wallet"),
    ],
)
async def test_changes_by_hand_are_noticed(folder: Path, statement: str, text: str) -> None:
    await start(folder)
    by_hand(folder, statement)
    error = await refused(folder)
    assert text in str(error)
    assert error.where == str(folder.parent / "a.db")


async def test_what_other_tools_keep_beside_our_tables_is_their_business(folder: Path) -> None:
    await start(folder)
    by_hand(
        folder, "CREATE TABLE backup_state (position INTEGER)", "CREATE INDEX b ON backup_state (position)", "ANALYZE"
    )
    await start(folder)


async def test_a_schema_made_in_memory_is_checked_too() -> None:
    with pytest.raises(SchemaError, match=r"0002_x\.sql: its number is 0002, but 0001"):
        await SqliteStore.memory([SchemaFile("0002_x.sql", "")])
