"""`calve policy`: all operations, one, as data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import CalveCommand

MORE = """
[policy.purse.coins]
timeout_seconds = 2
[policy.purse.coins.desk]
fallback = "till.purse:none"
"""


@pytest.fixture
def project(project: Path) -> Path:
    """The project with policies."""
    (project / "calve.toml").write_text((project / "calve.toml").read_text() + MORE)
    (project / "till/purse.py").write_text((project / "till/purse.py").read_text() + "\ndef none():\n    return 0\n")
    return project


def test_all_operations_are_on_one_screen(calve: CalveCommand, project: Path) -> None:
    done = calve("policy")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│" in line]
    assert rows == [
        ["purse.coins", "any", "2", "3", "50% of 20", "1000", "1000", "-"],
        ["purse.coins", "desk", "2", "3", "50% of 20", "1000", "1000", "none"],
        ["desk.answer", "any", "10", "3", "50% of 20", "1000", "1000", "-"],
    ]


def test_one_operation_is_shown_with_who_says_so(calve: CalveCommand, project: Path) -> None:
    done = calve("policy", "purse.coins")
    assert (done.returncode, done.stderr) == (0, "")
    assert "calls of purse.coins by desk" in done.stdout
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│" in line]
    assert ["timeout_seconds", "2", "calve.toml:13"] in rows
    assert ["fallback", "none", "calve.toml:15"] in rows
    assert ["attempts_max", "3", "default"] in rows


def test_data_has_all_of_it(calve: CalveCommand, project: Path) -> None:
    shown = json.loads(calve("policy", "purse", "--json").stdout)
    assert [(row["operation"], row["caller"]) for row in shown] == [("purse.coins", None), ("purse.coins", "desk")]
    assert shown[0]["policy"]["fallback"] == {"value": None, "from": "default"}
    assert shown[1]["policy"]["fallback"] == {"value": "none", "from": "calve.toml:15"}


def test_what_is_not_there_is_named(calve: CalveCommand, project: Path) -> None:
    done = calve("policy", "purse.coin")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no operation 'purse.coin'; did you mean 'purse.coins'" in done.stderr


def test_a_policy_that_cannot_hold_keeps_everything_from_starting(calve: CalveCommand, project: Path) -> None:
    (project / "calve.toml").write_text((project / "calve.toml").read_text() + "[policy.purse.coinz]\nqueue_max = 1\n")
    for command in ("policy", "topology", "run"):
        done = calve(command)
        assert done.returncode == 2
        assert "calve.toml:16: [policy.purse.coinz]: no operation 'coinz'; did you mean 'coins'" in done.stderr
