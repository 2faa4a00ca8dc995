"""Stores and tables that two services share."""

from __future__ import annotations

import pytest

from .conftest import MakeProject, contract, package

SCHEMA = "CREATE TABLE account (id TEXT);\nCREATE TABLE entry (id TEXT);\n"


def two(project: MakeProject, text: str, path: str = "town/desk/x.py", toml: str = "") -> list[str]:
    """What is found when the bank makes `account` and `entry`, and the desk has a file of this text."""
    return project(
        package("Bank"), package("Desk"), toml=toml, **{"town/bank/schema/0001_a.sql": SCHEMA, path: text}
    ).found()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('x = "SELECT * FROM account"', 1),
        ('y = 1\nx = "SELECT * " + "FROM account"', 2),
        ('def f(t):\n    return f"SELECT {t} FROM account WHERE {t}"', 2),
        ("x = '''\nSELECT *\nFROM account\n'''", 1),
        ('x = "select * from account"', 1),
        ('x = "SELECT * FROM bank.account"', 1),
    ],
)
def test_sql_that_names_a_table_of_another_service_is_found(project: MakeProject, text: str, line: int) -> None:
    assert two(project, text) == [f"table desk -> bank.account at town/desk/x.py:{line}"]


def test_a_schema_file_too_with_its_line(project: MakeProject) -> None:
    sql = "CREATE TABLE note (id TEXT);\n\nCREATE VIEW v AS\nSELECT * FROM entry;\n"
    found = two(project, sql, "town/desk/schema/0001_b.sql")
    assert found == ["table desk -> bank.entry at town/desk/schema/0001_b.sql:4"]


@pytest.mark.parametrize(
    "text",
    [
        '"""SELECT * FROM account"""',
        'def f():\n    """SELECT * FROM account"""\n',
        'x = "Update account"',
        'x = "SELECT * FROM accounts"',
        'x = "WITH account AS (SELECT 1) SELECT * FROM account"',
        "x = 'the account'",
    ],
)
def test_what_only_looks_like_it_is_not(project: MakeProject, text: str) -> None:
    assert two(project, text) == []


def test_two_services_may_have_tables_of_the_same_name(project: MakeProject) -> None:
    schema = {"town/desk/schema/0001_a.sql": SCHEMA}
    use = {"town/desk/x.py": 'x = "SELECT * FROM account"\ny = "SELECT * FROM desk.account"\n'}
    made = project(package("Bank"), package("Desk"), **{"town/bank/schema/0001_a.sql": SCHEMA}, **schema, **use)
    assert made.found() == []
    made.write("town/desk/x.py", 'x = "SELECT * FROM bank.account"\n')
    assert made.found() == ["table desk -> bank.account at town/desk/x.py:1"]


def test_shared_code_and_object_relational_mappers_count(project: MakeProject) -> None:
    toml = '[check]\nshared = ["town.tools"]\n'
    found = two(project, 'x = "DELETE FROM account"', "town/tools.py", toml)
    assert found == ["table town.tools -> bank.account at town/tools.py:1"]
    (made := project(package("Bank"), package("Desk"))).write("town/tools.py", "")
    made.write("town/bank/models.py", 'class A:\n    __tablename__ = "account"\n')
    made.write("town/desk/x.py", 'x = "SELECT * FROM account"\n')
    assert made.found() == ["table desk -> bank.account at town/desk/x.py:1"]


def test_a_schema_file_that_cannot_be_read_is_named(project: MakeProject) -> None:
    made = project(package("Bank"))
    (made.root / "town/bank/schema").mkdir()
    (made.root / "town/bank/schema/0001_a.sql").write_bytes(b"\xff")
    with pytest.raises(Exception, match=r"0001_a\.sql: cannot be read"):
        made.check()


@pytest.mark.parametrize(
    ("text", "line"),
    [('import sqlite3\nx = sqlite3.connect("data/bank.db")', 2), ('x = f"sqlite:///{1}/data/bank.db"', 1)],
)
def test_naming_the_file_of_another_store_is_found(project: MakeProject, text: str, line: int) -> None:
    assert two(project, text) == [f"store desk -> data/bank.db at town/desk/x.py:{line}"]


def test_naming_it_in_the_settings_of_a_service_is_found(project: MakeProject) -> None:
    toml = '[service.desk]\nother = 1\nlegacy = "sqlite:///data/bank.db"\n'
    assert two(project, "", toml=toml) == ["store desk -> data/bank.db at calve.toml:6"]
    assert two(project, 'x = "data/desk.db"') == []


def test_two_names_of_one_file_are_one_store(project: MakeProject) -> None:
    made = project(package("Bank"), package("Desk"))
    (made.root / "data").mkdir()
    (made.root / "data/bank.db").touch()
    (made.root / "data/desk.db").symlink_to("bank.db")
    assert [line.partition(" at ")[0] for line in made.found()] == ["store bank = desk"]


def test_services_in_single_files_share_a_folder_but_no_schema(project: MakeProject) -> None:
    made = project(**{"town/schema/0001_a.sql": SCHEMA})
    for name, more in (("bank", "store: Store"), ("desk", "")):
        text = contract(name.capitalize()) + f"class S({name.capitalize()}):\n    def __init__(self, {more}): ...\n"
        made.write(f"town/{name}.py", f"from calve import Store\n{text}    async def work(self): ...\n")
    made.write("calve.toml", '[app]\nname = "town"\nservices = ["town.bank", "town.desk"]\n')
    assert made.found() == []
    made.write("town/desk.py", (made.root / "town/desk.py").read_text() + 'X = "SELECT * FROM account"\n')
    assert [line.partition(" at ")[0] for line in made.found()] == ["table desk -> bank.account"]
