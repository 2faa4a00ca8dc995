"""`calve eject`: what it says, and that it writes nothing when it refuses."""

from __future__ import annotations

from pathlib import Path

from .conftest import CalveCommand


def test_it_says_what_it_wrote_and_what_comes_next(project: Path, calve: CalveCommand) -> None:
    done = calve("eject", "desk")
    assert done.returncode == 0, done.stderr
    assert done.stderr == (
        "reading desk and what it imports …\nwriting Desk as routes, and its neighbours as clients …\n"
    )
    assert "  ejected/desk/till/desk.py\n" in done.stdout
    assert "desk: 3 modules carried over, " in done.stdout
    assert "Next:\n  cd ejected/desk\n" in done.stdout
    assert (project / "ejected" / "desk" / "app" / "clients" / "purse.py").is_file()


def test_a_folder_that_is_not_empty_needs_force(project: Path, calve: CalveCommand) -> None:
    assert calve("eject", "purse", "-o", "out").returncode == 0
    again = calve("eject", "purse", "-o", "out")
    assert (again.returncode, again.stderr.splitlines()[-1]) == (
        2,
        "calve: error: out is not empty; name another folder, or write into this one with --force",
    )
    assert calve("eject", "purse", "-o", "out", "--force").returncode == 0


def test_nothing_is_written_over_the_project_itself(project: Path, calve: CalveCommand) -> None:
    done = calve("eject", "purse", "-o", ".", "--force")
    assert done.returncode == 2
    assert ". is where this project is" in done.stderr
    assert not (project / "app").exists()


def test_every_reason_is_shown_and_nothing_is_written(project: Path, calve: CalveCommand) -> None:
    purse = project / "till" / "purse.py"
    purse.write_text("from calve import Principal, current_call\n" + purse.read_text())
    done = calve("eject", "purse")
    assert done.returncode == 2
    shown = [line for line in done.stderr.splitlines() if "till/purse.py:1" in line]
    assert len(shown) == 2
    assert shown[-1].startswith("calve: error: till/purse.py:1: purse cannot be ejected: ")
    assert not (project / "ejected").exists()
