"""`calve contract snapshot` and `calve contract can-deploy`, from deployment to deployment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import CalveCommand

LIVE = "live.json"


@pytest.fixture
def live(project: Path, calve: CalveCommand) -> Path:
    """The project, all of whose units are live as they are in code."""
    done = calve("contract", "snapshot", "--topology", "split", "-o", LIVE)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{LIVE}: front provides desk 2.1\n{LIVE}: money provides purse 1.0\n"
    return project


def edit(project: Path, before: str, after: str) -> None:
    path = project / "till" / "purse.py"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_what_is_live_can_be_deployed_again(live: Path, calve: CalveCommand) -> None:
    done = calve("contract", "can-deploy", "money", "--to", LIVE)
    assert done.returncode == 0
    lines = [line.strip("│ ").split("│") for line in done.stdout.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in line] for line in lines] == [
        ["purse", "called by", "front", "1.0", "1.0", "fits"],
        ["purse", "REST, events", "money", "1.0", "1.0", "fits"],
    ]
    assert done.stdout.endswith("\nmoney can be deployed\n")


def test_a_service_that_breaks_a_live_caller_cannot(live: Path, calve: CalveCommand) -> None:
    edit(live, "async def coins(self) -> int:", "async def coins(self) -> str:")
    done = calve("contract", "can-deploy", "money", "--to", LIVE)
    assert done.returncode == 1
    assert "purse, called by front: Purse.coins -> answer was int, is str\n" in done.stdout
    assert done.stdout.endswith("money cannot be deployed\n")


def test_a_caller_waits_for_its_service(live: Path, calve: CalveCommand) -> None:
    edit(live, "class PurseService", "    @query()\n    async def more(self) -> int: ...\n\nclass PurseService")
    edit(
        live,
        "        return self._settings",
        "        return 8\n    async def more(self) -> int:\n        return self._settings",
    )
    early = calve("contract", "can-deploy", "front", "--to", LIVE)
    assert early.returncode == 1
    assert "    deploy money first, with a version that has it\n" in early.stdout
    assert calve("contract", "can-deploy", "money", "--to", LIVE).returncode == 0
    noted = calve("contract", "snapshot", "money", "--topology", "split", "-o", LIVE)
    assert noted.stdout == f"{LIVE}: money provides purse 1.0\n"
    assert calve("contract", "can-deploy", "front", "--to", LIVE).returncode == 0


def test_as_json(live: Path, calve: CalveCommand) -> None:
    done = calve("contract", "can-deploy", "front", "--to", LIVE, "--json")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    assert (said["unit"], said["can_deploy"]) == ("front", True)
    assert said["checks"][-1] == {
        "service": "purse",
        "side": "callee",
        "unit": "money",
        "ours": "1.0",
        "theirs": "1.0",
        "fits": True,
        "findings": [],
    }


def test_without_a_file_it_is_printed(project: Path, calve: CalveCommand) -> None:
    done = calve("contract", "snapshot", "front", "--topology", "split")
    units = json.loads(done.stdout)["units"]
    assert [lock["service"] for lock in units["front"]["provides"]] == ["desk"]
    assert [lock["service"] for lock in units["front"]["consumes"]] == ["purse"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["can-deploy", "money", "--to", "none.json"], "none.json: cannot be read: No such file or directory; name a"),
        (["can-deploy", "mony", "--to", "none.json"], "no topology has a unit 'mony'; did you mean 'money'?"),
        (["can-deploy", "money", "--to", "calve.toml"], "calve.toml: is no snapshot of contracts"),
        (["snapshot", "nobody", "--topology", "split"], "topology 'split' has no unit 'nobody'"),
        (["snapshot", "-o", "none/x.json"], "none/x.json: cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_told_is_one_line(calve: CalveCommand, arguments: list[str], says: str) -> None:
    done = calve("contract", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
