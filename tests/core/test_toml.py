"""TOML files: what is in them, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.core.errors import ConfigError
from calve.core.toml import TomlFile, shown_path

TEXT = """\
[app]
name = "shop"   # its name

[ service."wallet" ]   # spaces and quotes
"key" = 1
dotted.part = 2
'single' = 3

[store]
key = '''
name = 5
'''
url = 1
"""


@pytest.fixture
def file(tmp_path: Path) -> TomlFile:
    path = tmp_path / "calve.toml"
    path.write_text(TEXT, encoding="utf-8")
    return TomlFile.read(path)


@pytest.mark.parametrize(
    ("section", "key", "line"),
    [
        ("app", "name", 2),
        ("app", None, 1),
        ("app", "absent", 1),
        ("service.wallet", "key", 5),
        ("service.wallet", "dotted", 6),
        ("service.wallet", "single", 7),
        ("store", "url", 13),
    ],
)
def test_a_key_is_found_on_its_line(file: TomlFile, section: str, key: str | None, line: int) -> None:
    assert file.where(section, key) == f"{file.path}:{line}"


def test_a_section_that_is_not_there_is_the_file(file: TomlFile) -> None:
    assert file.where("http", "port") == str(file.path)


def test_tables_by_dotted_name(file: TomlFile) -> None:
    assert file.table("service.wallet") == {"key": 1, "dotted": {"part": 2}, "single": 3}
    assert file.table("service.nobody") == {}


def test_what_is_not_a_table_is_refused(file: TomlFile) -> None:
    with pytest.raises(ConfigError, match=r"toml:2: app\.name is not a table; write \[app\.name\]"):
        file.table("app.name.first")


@pytest.mark.parametrize(
    ("text", "line"), [("[app\n", 1), ("a = 1\nb = ?\n", 2), ("a = 1\na = 2\n", 2), ('[app]\nname = """x\n', 2)]
)
def test_what_is_not_toml_names_the_line(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"bad\.toml:{line}: not TOML: [^(]+$"):
        TomlFile.read(path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        TomlFile.read(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        TomlFile.read(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"a = '\xe4'")
    with pytest.raises(ConfigError, match=r"not UTF-8 \(byte 5\); save it as UTF-8"):
        TomlFile.read(tmp_path / "latin.toml")


def test_paths_are_shown_as_one_would_type_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    assert shown_path(tmp_path / "inside" / "calve.toml") == "calve.toml"
    assert shown_path(tmp_path / "calve.toml") == str(tmp_path / "calve.toml")
    (tmp_path / "inside").rmdir()
    assert shown_path(tmp_path / "calve.toml") == str(tmp_path / "calve.toml")


def test_the_items_of_an_array_of_tables_are_found(tmp_path: Path) -> None:
    path = tmp_path / "calve.toml"
    path.write_text("[[check.accept]]\nrule = 1\n[[ check.accept ]]  # again\n[[check.other]]\n")
    file = TomlFile.read(path)
    assert [file.where_item("check.accept", n) for n in range(3)] == [f"{path}:1", f"{path}:3", str(path)]
