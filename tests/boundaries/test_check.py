"""All rules together: owners in strict mode, accepted violations, and the report."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.boundaries import check
from calve.core.errors import ConfigError
from calve.runtime import load_config

from .conftest import MakeProject, package

ACCEPT = '[[check.accept]]\nrule = "{}"\nwhat = "{}"\nreason = "until May"\n'
CROSSING = {"town/desk/x.py": "from ..bank.service import BankService\n"}
WHAT = "town.desk.x -> town.bank.service.BankService"


def test_strict_mode_asks_for_owners_where_they_would_be_written(project: MakeProject) -> None:
    made = project(package("Bank"), package("Desk"), package("Till"))
    toml = '[service.desk]\nsize = 1\n[service.till]\nowner = "us"\n'
    made.write("calve.toml", (made.root / "calve.toml").read_text() + toml)
    assert made.found() == []
    expected = ["owner bank at calve.toml:3", "owner desk at calve.toml:4"]
    assert made.found(made.check(strict=True).violations) == expected
    made.write("calve.toml", (made.root / "calve.toml").read_text().replace("[app]", "[app]\nstrict = true"))
    assert made.found() == ["owner bank at calve.toml:4", "owner desk at calve.toml:5"]


def test_an_accepted_violation_does_not_count_and_keeps_its_reason(project: MakeProject) -> None:
    made = project(package("Bank"), package("Desk"), toml=ACCEPT.format("import", WHAT), **CROSSING)
    report = made.check()
    assert report.violations == []
    assert [(violation.what, reason) for violation, reason in report.accepted] == [(WHAT, "until May")]


@pytest.mark.parametrize(("rule", "what"), [("import", "x -> y"), ("table", WHAT), ("imports", WHAT)])
def test_an_accepted_violation_that_does_not_occur_is_one(project: MakeProject, rule: str, what: str) -> None:
    made = project(package("Bank"), package("Desk"), toml=f"\n{ACCEPT.format(rule, what)}", **CROSSING)
    stale, crossing = made.check().violations
    assert (stale.rule, stale.place.line) == ("accept", 5)
    assert stale.message == f'an accepted violation does not occur: {rule} "{what}"'
    assert crossing.rule == "import"


def test_a_module_that_is_not_there_cannot_be_shared(project: MakeProject) -> None:
    made = project(package("Bank"), toml='[check]\nshared = ["town.banks"]\n')
    with pytest.raises(ConfigError, match=r"calve\.toml:5: \[check\] shared: no module 'town\.banks'; did you mean"):
        made.check()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"x = (\n", r"x\.py:1: no Python: '\(' was never closed"),
        (b"\xff\xfe", "cannot be read"),
        (b"x = '\0'", "null bytes"),
    ],
)
def test_a_file_that_is_no_python_is_named(project: MakeProject, text: bytes, message: str) -> None:
    made = project(package("Bank"))
    (made.root / "town/bank/x.py").write_bytes(text)
    with pytest.raises(ConfigError, match=message) as caught:
        made.check()
    assert "x.py" in str(caught.value)


def test_a_service_that_is_not_there_is_named(project: MakeProject) -> None:
    made = project(package("Bank"))
    made.write("calve.toml", '[app]\nname = "town"\nservices = ["town.bank", "town.nobody"]\n')
    with pytest.raises(ConfigError, match=r"module 'town\.nobody' was not found"):
        made.check()


def test_the_report_is_in_order_and_counts(project: MakeProject) -> None:
    files = {"town/b.py": "x = 1\n", "town/a.py": "x = 1\n", **CROSSING}
    report = project(package("Bank"), package("Desk"), **files).check()
    assert [v.place.path.name for v in report.violations] == ["a.py", "b.py", "x.py"]
    assert (report.services, report.modules) == (2, 10)


def test_the_shop_keeps_to_its_boundaries(root: Path) -> None:
    report = check(load_config(root / "examples/shop/calve.toml", environ={}), strict=True)
    assert (report.violations, report.accepted, report.notes) == ([], [], [])
    assert report.services == 5


def test_so_do_all_examples(root: Path) -> None:
    for path in sorted((root / "examples").rglob("calve.toml")):
        assert (path, check(load_config(path, environ={})).violations) == (path, [])
