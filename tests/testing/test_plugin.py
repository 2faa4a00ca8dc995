"""The pytest plugin, seen from a pytest run of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import calve.testing

APP = """
from typing import Protocol
from calve import Contract, Logger, query

class Shop(Contract, Protocol, version="1.0"):
    @query()
    async def name(self) -> str: ...

class ShopService(Shop):
    def __init__(self, log: Logger) -> None:
        self._log = log

    async def name(self) -> str:
        self._log.warning("asked for the name")
        return "shop"
"""

TESTS = """
from pathlib import Path
import pytest
from plugin_shop import Shop

@pytest.fixture
async def app(runners):
    async with runners.start(Path(__file__).parent, services=["plugin_shop"]) as app:
        yield app

async def test_right(app):
    assert await app.get(Shop).name() == "shop"

async def test_wrong(app):
    assert await app.get(Shop).name() == "other"

def test_without():
    pass
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with an application and its tests."""
    (tmp_path / "plugin_shop.py").write_text(APP)
    (tmp_path / "test_shop.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\npythonpath = .\n")
    return tmp_path


def run(project: Path, *arguments: str) -> str:
    """What pytest wrote."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False).stdout


def test_every_test_runs_on_every_runner(project: Path) -> None:
    out = run(project, "-v", "-k", "not wrong")
    for name in ("inprocess", "codec", "processes"):
        assert f"test_right[{name}] PASSED" in out
    assert "4 passed" in out


def test_runners_can_be_chosen_and_tests_without_one_stay(project: Path) -> None:
    out = run(project, "-v", "-k", "not wrong", "--calve-runner=codec", "--calve-runner=inprocess")
    assert "test_right[inprocess] PASSED" in out
    assert "test_right[processes]" not in out
    assert "3 passed" in out


def test_a_failed_test_shows_what_the_processes_wrote(project: Path) -> None:
    out = run(project, "-k", "wrong", "--calve-runner=processes")
    assert "1 failed" in out
    assert "log of the units" in out
    assert "asked for the name" in out.partition("log of the units")[2]


def test_loading_the_plugin_loads_nothing_heavy() -> None:
    code = "import sys, calve.testing.plugin; print([m for m in ('msgspec', 'httptools', 'apsw') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_a_name_that_the_testing_room_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'calve\.testing' has no attribute 'Runer'"):
        calve.testing.Runer  # noqa: B018
