"""Reading a folder of schema files."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.store import SchemaError, SchemaFile, load_schema


def test_files_come_in_order_and_know_where_they_lie(tmp_path: Path) -> None:
    (tmp_path / "0002_b.sql").write_text("two\nlines")
    (tmp_path / "0001_a.sql").write_text("ä")
    (tmp_path / "README.md").write_text("not SQL")
    first, second = load_schema(tmp_path)
    assert first == SchemaFile("0001_a.sql", "ä", str(tmp_path))
    assert second.number == 2
    assert second.line(5) == f"{tmp_path / '0002_b.sql'}:2"


def test_no_folder_is_no_schema(tmp_path: Path) -> None:
    assert load_schema(tmp_path / "none") == ()


@pytest.mark.parametrize("name", ["1_a.sql", "0001-a.sql", "0001_A.sql", "init.sql", "0001_.sql", "00001_a.sql"])
def test_misnamed_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(SchemaError, match="not a name for a schema file") as caught:
        load_schema(tmp_path)
    assert caught.value.where == str(tmp_path / name)


def test_numbers_start_at_one_and_have_no_gap(tmp_path: Path) -> None:
    (tmp_path / "0002_a.sql").write_text("")
    with pytest.raises(SchemaError, match="0001 comes next"):
        load_schema(tmp_path)


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_bytes(b"\xff\xfe")
    with pytest.raises(SchemaError, match="cannot be read"):
        load_schema(tmp_path)
    (tmp_path / "0001_a.sql").unlink()
    (tmp_path / "0001_a.sql").mkdir()
    with pytest.raises(SchemaError, match="cannot be read"):
        load_schema(tmp_path)


def test_a_step_may_have_a_file_for_each_database(tmp_path: Path) -> None:
    for name in ("0001_a.sql", "0002_b.sqlite.sql", "0002_b.postgres.sql", "0003_c.sql"):
        (tmp_path / name).write_text(name)
    sqlite, postgres = load_schema(tmp_path), load_schema(tmp_path, "postgres")
    assert [file.name for file in sqlite] == ["0001_a.sql", "0002_b.sqlite.sql", "0003_c.sql"]
    assert [file.name for file in postgres] == ["0001_a.sql", "0002_b.postgres.sql", "0003_c.sql"]
    assert [file.step for file in postgres] == ["0001_a.sql", "0002_b.sql", "0003_c.sql"]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["0001_a.sql", "0002_b.sqlite.sql"], r"0002_b\.sqlite\.sql: has no counterpart for postgres; write 0002_b\.p"),
        (["0001_a.sqlite.sql", "0001_b.postgres.sql"], "has the same number as 0001_b.postgres.sql"),
        (["0001_a.sql", "0001_a.sqlite.sql"], "has the same number as 0001_a.sql"),
        (["0001_a.sql", "0001_a.postgres.sql"], "has the same number as"),
        (["0001_a.oracle.sql"], "'oracle' is no database; call it 0001_a.sqlite.sql or .postgres.sql"),
    ],
)
def test_files_for_databases_that_do_not_fit(tmp_path: Path, names: list[str], text: str) -> None:
    for name in names:
        (tmp_path / name).write_text("")
    with pytest.raises(SchemaError, match=text):
        load_schema(tmp_path, "postgres")
