"""`calve catalog`: a page, data, a file."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import CalveCommand


def test_a_page_is_printed(calve: CalveCommand) -> None:
    done = calve("catalog")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("# till 0.1.0\n\n```mermaid\nflowchart LR\n")
    assert '  s2 -->|"coins"| s1\n' in done.stdout
    assert "- calls purse: `answer` → `coins`\n" in done.stdout


def test_data_is_written_to_a_file_the_same_every_time(calve: CalveCommand, project: Path) -> None:
    assert calve("catalog", "--format", "json", "-o", "catalogue.json").stdout == ""
    text = (project / "catalogue.json").read_text()
    shown = json.loads(text)
    assert (shown["schema"], [s["name"] for s in shown["services"]]) == (1, ["purse", "desk"])
    assert shown["services"][1]["calls"] == [
        {
            "service": "purse",
            "declared": True,
            "operations": [{"from": "answer", "to": "coins", "file": "till/desk.py", "line": 21}],
        }
    ]
    assert calve("catalog", "--format", "json").stdout == text


def test_no_implementation_is_imported(calve: CalveCommand, project: Path) -> None:
    for part, text in (("contract", ""), ("service", "raise SystemExit(9)\n")):
        (project / f"till/extra/{part}.py").parent.mkdir(exist_ok=True)
        (project / f"till/extra/{part}.py").write_text(text)
    (project / "till/extra/contract.py").write_text(
        (project / "till/purse.py").read_text().partition("class PurseService")[0]
    )
    toml = (project / "calve.toml").read_text().replace('"till.desk"', '"till.desk", "till.extra"')
    (project / "calve.toml").write_text(toml.replace('["purse"]', '["purse", "extra"]'))
    assert calve("catalog").returncode == 0


def test_a_file_that_cannot_be_written_is_named(calve: CalveCommand) -> None:
    done = calve("catalog", "-o", "nowhere/x.md")
    assert done.returncode == 2
    assert done.stderr == "calve: error: --output: cannot write nowhere/x.md: No such file or directory\n"


def test_contracts_that_http_services_fulfil_are_in_it(calve: CalveCommand, project: Path) -> None:
    more = '[service.geo]\nurl = "https://geo.example"\ncontract = "till.geo:Geo"\n'
    geo = (project / "till/purse.py").read_text().partition("class PurseService")[0].replace("Purse", "Geo")
    (project / "till/geo.py").write_text(geo)
    (project / "calve.toml").write_text((project / "calve.toml").read_text() + more)
    done = calve("catalog")
    assert (done.returncode, done.stderr) == (0, "")
    assert 's3(["geo<br/>Geo 1.0"])' in done.stdout
    assert "Fulfilled by an HTTP service elsewhere." in done.stdout
