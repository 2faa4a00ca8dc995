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
