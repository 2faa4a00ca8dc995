"""`calve check`: text, JSON and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import CalveCommand

CROSSING = "from till.purse import PurseService\n"
TEXT = """\
till/more.py:1: till.more, which is in no service, imports till.purse.PurseService, which is private to purse
    shared code may import contracts only: move it into purse, or what it needs out of there
    rule = "import", what = "till.more -> till.purse.PurseService"
till/more.py:1: till.more belongs to no service
    move it into a service, or declare it: [check] shared = ["till.more"]
    rule = "unowned", what = "till.more"
2 services, 4 modules: 2 violations
"""


def test_a_good_project_passes(calve: CalveCommand) -> None:
    done = calve("check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 services, 3 modules: no violations\n", "")


def test_violations_are_told_and_fail(calve: CalveCommand, project: Path) -> None:
    (project / "till/more.py").write_text(CROSSING)
    done = calve("check")
    assert (done.returncode, done.stdout, done.stderr) == (1, TEXT, "")


def test_json_has_everything(calve: CalveCommand, project: Path) -> None:
    (project / "till/more.py").write_text(CROSSING)
    accept = '[[check.accept]]\nrule = "unowned"\nwhat = "till.more"\nreason = "moves"\n'
    (project / "calve.toml").write_text((project / "calve.toml").read_text() + accept)
    done = calve("check", "--json")
    assert done.returncode == 1
    shown = json.loads(done.stdout)
    assert (shown["schema"], shown["services"], shown["modules"], shown["notes"]) == (1, 2, 4, [])
    (violation,) = shown["violations"]
    assert (violation["rule"], violation["file"], violation["line"]) == ("import", "till/more.py", 1)
    (accepted,) = shown["accepted"]
    assert (accepted["what"], accepted["reason"]) == ("till.more", "moves")


def test_an_accepted_violation_is_shown_with_its_reason(calve: CalveCommand, project: Path) -> None:
    (project / "till/more.py").write_text("x = 1\n")
    accept = '[[check.accept]]\nrule = "unowned"\nwhat = "till.more"\nreason = "moves"\n'
    (project / "calve.toml").write_text((project / "calve.toml").read_text() + accept)
    done = calve("check")
    assert done.returncode == 0
    assert done.stdout == (
        "till/more.py:1: accepted: till.more belongs to no service (moves)\n"
        "2 services, 4 modules: no violations, 1 accepted\n"
    )


def test_what_cannot_be_seen_through_is_noted(calve: CalveCommand, project: Path) -> None:
    desk = project / "till/desk.py"
    desk.write_text(desk.read_text().replace("self._purse, self._log = purse, log", "self._purse = wrap(purse)"))
    done = calve("check")
    assert done.returncode == 0
    assert "till/desk.py:17: note: the source does not tell what of purse is called here" in done.stdout


def test_strict_mode_asks_for_owners(calve: CalveCommand) -> None:
    done = calve("check", "--strict")
    assert done.returncode == 1
    assert "calve.toml:3: desk has no owner\n" in done.stdout


def test_what_cannot_be_checked_is_no_violation(calve: CalveCommand, project: Path) -> None:
    (project / "till/desk.py").write_text("def\n")
    done = calve("check")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("calve: error: ")
    assert "desk.py:1: no Python" in done.stderr


def test_a_new_project_passes_even_strictly(calve: CalveCommand, tmp_path: Path) -> None:
    assert calve("new", str(tmp_path / "fresh")).returncode == 0
    done = calve("check", "--strict", "--config", str(tmp_path / "fresh/calve.toml"))
    assert (done.returncode, done.stdout) == (0, "1 service, 4 modules: no violations\n")
