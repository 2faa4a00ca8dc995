"""`calve topology`: what it shows, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..till import TOML
from .conftest import CalveCommand


def test_json_has_everything(calve: CalveCommand, project: Path) -> None:
    done = calve("topology", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    shown = json.loads(done.stdout)
    assert shown["app"] == "till"
    assert shown["services"] == {
        "purse": {
            "package": "till.purse",
            "contract": "Purse 1.0",
            "needs": [],
            "store": f"sqlite:///{project}/data/purse.db",
        },
        "desk": {"package": "till.desk", "contract": "Desk 2.1", "needs": ["purse"], "store": None},
    }
    assert list(shown["topologies"]) == ["one", "split"]
    assert shown["topologies"]["split"] == {
        "edge": "front",
        "units": [
            {"name": "money", "services": ["purse"], "needs": [], "http_port": 0, "processes": ["money"]},
            {
                "name": "front",
                "services": ["desk"],
                "needs": ["money"],
                "http_port": 0,
                "processes": ["front"],
            },
        ],
    }


def test_tables_for_people(calve: CalveCommand) -> None:
    done = calve("topology", CALVE_HTTP_PORT="9000", CALVE_UNIT_FRONT_REPLICAS="2")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [" ".join(line.split()) for line in done.stdout.replace("│", " ").splitlines()]
    assert "purse Purse 1.0 - sqlite:///data/purse.db" in rows
    assert "desk Desk 2.1 purse -" in rows
    assert "topology one (default), in order of start" in rows
    assert "money purse - 9001" in rows
    assert "front x2 desk money 9000 (edge)" in rows


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            "[unit.money]\nreplicas = 2\n",
            "calve.toml:12: unit 'money' asks for 2 replicas, but the store of 'purse' is",
        ),
        ("[unit.front]\nhttp_port = 9\n[unit.money]\nhttp_port = 9\n", "port 9 is given to both 'front' and 'money'"),
    ],
)
def test_a_topology_that_cannot_run_is_refused(calve: CalveCommand, project: Path, settings: str, line: str) -> None:
    (project / "calve.toml").write_text(TOML + settings)
    done = calve("topology")
    assert done.returncode == 2
    assert done.stderr.startswith("calve: error: calve.toml:")
    assert line in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_service_that_is_not_there_is_refused(calve: CalveCommand, project: Path) -> None:
    (project / "till" / "desk.py").unlink()
    done = calve("topology")
    assert done.returncode == 2
    assert done.stderr.startswith("calve: error: ")
    assert "till.desk" in done.stderr
    assert done.stderr.count("\n") == 1
