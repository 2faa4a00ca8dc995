"""`calve contract lock` and `calve contract check`, as a user and as CI run them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from .conftest import CalveCommand

LOCK = "contracts/purse.lock.json"


@pytest.fixture
def locked(project: Path, calve: CalveCommand) -> Path:
    """The project, its contracts locked."""
    done = calve("contract", "lock")
    assert (done.returncode, done.stdout) == (0, f"{LOCK}: Purse 1.0\ncontracts/desk.lock.json: Desk 2.1\n")
    return project


def edit(project: Path, before: str, after: str, file: str = "till/purse.py") -> None:
    path = project / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def git(project: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=project, check=True, capture_output=True)


def commit(project: Path) -> None:
    git(project, "init", "-q", "-b", "main")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "all")


def test_a_contract_as_locked(locked: Path, calve: CalveCommand) -> None:
    done = calve("contract", "check")
    assert (done.returncode, done.stdout) == (0, "purse: Purse 1.0 as locked\ndesk: Desk 2.1 as locked\n")
    again = calve("contract", "lock")
    assert (again.returncode, again.stdout) == (0, f"{LOCK}: as it was\ncontracts/desk.lock.json: as it was\n")


def test_a_contract_without_lock(calve: CalveCommand, project: Path) -> None:
    done = calve("contract", "check", "purse")
    said = "purse: Purse 1.0 has no lock\nrun `calve contract lock` and commit what it writes\n"
    assert (done.returncode, done.stdout) == (3, said)


def test_a_break_is_named_with_who_consumes_it_and_what_to_do(locked: Path, calve: CalveCommand) -> None:
    edit(locked, "async def coins(self) -> int:", "async def coins(self) -> int | None:")
    done = calve("contract", "check")
    assert done.returncode == 1
    assert done.stdout == (
        "purse: Purse 1.0 breaks what was promised\n"
        "  breaking  Purse.coins -> answer may be null now\n"
        "            breaks callers, here desk\n"
        "            compatible: leave out `| None`\n"
        '  to break it all the same: version="2.0"\n'
        "desk: Desk 2.1 as locked\n"
    )
    before = (locked / LOCK).read_text()
    refused = calve("contract", "lock")
    assert refused.returncode == 1
    assert refused.stdout.endswith("nothing was written; --allow-breaking locks it as it is\n")
    assert (locked / LOCK).read_text() == before
    assert calve("contract", "lock", "--allow-breaking").returncode == 0
    assert calve("contract", "check").returncode == 0


def test_a_new_major_version_may_break(locked: Path, calve: CalveCommand) -> None:
    edit(locked, "async def coins(self) -> int:", "async def coins(self) -> int | None:")
    edit(locked, 'version="1.0"', 'version="2.0"')
    done = calve("contract", "check", "purse")
    assert done.returncode == 3
    assert "purse: Purse 2.0 breaks what was promised, and says so by its version" in done.stdout
    assert calve("contract", "lock").stdout.startswith(f"{LOCK}: Purse 2.0, 1 change\n")


def test_an_addition_asks_for_a_minor_version(locked: Path, calve: CalveCommand) -> None:
    edit(locked, "class PurseService", "    @query()\n    async def more(self) -> int: ...\n\nclass PurseService")
    edit(
        locked,
        "        return self._settings",
        "        return 8\n    async def more(self) -> int:\n        return self._settings",
    )
    done = calve("contract", "check", "purse")
    assert done.returncode == 3
    assert done.stdout == (
        "purse: Purse 1.0 compatible with its lock, which is out of date\n"
        "  minor     Purse.more is new; services of before answer that they have no such operation\n"
        '  to tell it from 1.0: version="1.1"\n'
        "run `calve contract lock` and commit what it writes\n"
    )
    edit(locked, 'version="1.0"', 'version="1.1"')
    assert 'version="' not in calve("contract", "check", "purse").stdout


def test_as_json(locked: Path, calve: CalveCommand) -> None:
    edit(locked, "async def coins(self) -> int:", "async def coins(self) -> str:")
    done = calve("contract", "check", "--json")
    assert done.returncode == 1
    purse, desk = json.loads(done.stdout)
    assert desk["state"] == "current"
    assert {k: v for k, v in purse.items() if k != "findings"} == {
        "service": "purse",
        "contract": "Purse",
        "locked": "1.0",
        "version": "1.0",
        "asks": "2.0",
        "state": "breaking",
    }
    assert purse["findings"] == [
        {
            "level": "breaking",
            "rule": "type",
            "path": "Purse.coins -> answer",
            "what": "was int, is str",
            "who": "callers",
            "fix": "keep the type, and add a field or an operation with the new one",
            "operations": [],
            "consumers": ["desk"],
        }
    ]


def test_an_adopted_application_that_calls_is_a_consumer(locked: Path, calve: CalveCommand) -> None:
    (locked / "old.py").write_text("app = None\n")
    edit(locked, '["desk"]', '["desk", "old"]', "calve.toml")
    with (locked / "calve.toml").open("a") as config:
        config.write('\n[service.old]\nasgi = "old:app"\ncalls = ["purse"]\n')
    edit(locked, "async def coins(self) -> int:", "async def coins(self) -> str:")
    done = calve("contract", "check", "purse")
    assert "breaks callers, here desk, old\n" in done.stdout, done.stderr
    noted = calve("contract", "snapshot", "front", "--topology", "split")
    assert '"consumes": [\n    {\n     "lock": 1' in noted.stdout, noted.stderr


def test_a_service_that_is_gone(locked: Path, calve: CalveCommand) -> None:
    edit(locked, '["till.purse", "till.desk"]', '["till.purse"]', "calve.toml")
    edit(locked, 'front = ["desk"]\n', "", "calve.toml")
    done = calve("contract", "check")
    assert done.returncode == 1
    assert "desk: Desk 2.1 is gone" in done.stdout
    assert calve("contract", "lock").returncode == 1
    assert "contracts/desk.lock.json: removed\n" in calve("contract", "lock", "--allow-breaking").stdout
    assert not (locked / "contracts/desk.lock.json").exists()


def test_against_a_revision(locked: Path, calve: CalveCommand) -> None:
    commit(locked)
    edit(locked, "async def coins(self) -> int:", "async def coins(self) -> str:")
    assert calve("contract", "lock", "--allow-breaking").returncode == 0
    assert calve("contract", "check").returncode == 0, "the lock on disk says the same as the code"
    done = calve("contract", "check", "--against", "main")
    assert done.returncode == 1
    assert "Purse.coins -> answer was int, is str" in done.stdout
    edit(locked, "async def coins(self) -> str:", "async def coins(self) -> int:")
    assert calve("contract", "check", "--against", "HEAD").returncode == 0


def test_against_a_revision_in_a_folder_of_a_larger_repository(locked: Path, calve: CalveCommand) -> None:
    inner = locked / "apps" / "shop"
    shutil.copytree(locked, inner, ignore=shutil.ignore_patterns("apps"))
    commit(locked)
    edit(inner, "GET /coins", "GET /money")
    done = calve("contract", "check", "--against", "HEAD", "--config", str(inner / "calve.toml"))
    assert done.returncode == 1
    assert "was GET /coins, is GET /money" in done.stdout


def test_a_number_that_was_lost_with_its_lock_shows_against_a_revision(locked: Path, calve: CalveCommand) -> None:
    edit(locked, "async def coins(self) -> int:", "async def coins(self, a: int = 0, b: int = 0) -> int:")
    assert calve("contract", "lock").returncode == 0
    commit(locked)
    (locked / LOCK).unlink()
    edit(locked, "self, a: int = 0, b: int = 0) -> int:", "self, a: int = 0, *, c: int = 0, b: int = 0) -> int:")
    assert calve("contract", "lock").returncode == 0
    done = calve("contract", "check", "--against", "main")
    assert done.returncode == 1
    assert "Purse.coins.b its protobuf number was 2, is 3" in done.stdout


@pytest.mark.parametrize(
    ("setting", "arguments", "line"),
    [
        ("none", ["--against", "main"], "is not in a git repository"),
        ("repository", ["--against", "nowhere"], "git knows no revision 'nowhere'; check the name"),
        ("repository", ["--against=--help"], "git knows no revision '--help'"),
        ("empty", ["--against", "main"], "there is no contracts/*.lock.json in main; run `calve contract lock`"),
        ("none", ["pruse"], "no service 'pruse'; did you mean 'purse'?"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    setting: str, arguments: list[str], line: str, project: Path, calve: CalveCommand
) -> None:
    if setting == "repository":
        assert calve("contract", "lock").returncode == 0
    if setting != "none":
        commit(project)
    done = calve("contract", "check", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_damaged_lock_is_one_line(locked: Path, calve: CalveCommand) -> None:
    edit(locked, '"1.0"', '"1.7"', LOCK)
    for command in ("check", "lock"):
        done = calve("contract", command)
        assert done.returncode == 2
        assert done.stderr.startswith(f"calve: error: {LOCK}: was edited by hand: ")


def test_the_lock_of_another_service_is_one_line(locked: Path, calve: CalveCommand) -> None:
    shutil.copy(locked / "contracts/desk.lock.json", locked / LOCK)
    done = calve("contract", "check", "purse")
    fix = "name the file contracts/desk.lock.json, or restore it from version control"
    assert (done.returncode, done.stderr) == (
        2,
        f"calve: error: {LOCK}: is the lock of another service, desk; {fix}\n",
    )


def test_git_that_is_not_there_is_one_line(locked: Path, calve: CalveCommand, tmp_path: Path) -> None:
    done = calve("contract", "check", "--against", "main", PATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (2, "calve: error: --against: git is not installed; install git\n")


def test_a_folder_that_cannot_be_written_is_one_line(project: Path, calve: CalveCommand) -> None:
    (project / "contracts").write_text("")
    done = calve("contract", "lock")
    assert done.returncode == 2
    assert done.stderr.startswith(f"calve: error: {LOCK}: ")
