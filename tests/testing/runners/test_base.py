"""Starting and stopping applications, the same on every runner."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from calve.core.errors import ConfigError
from calve.testing import App, Runner
from calve.testing.runners import base

from .conftest import Write

TOML = '[app]\nname = "shop"\nservices = ["little_shop"]\n[service.little_shop]\nname = "corner"\n'


def shop(app: App) -> Any:
    """A stub of the little shop."""
    return app.get(sys.modules["little_shop"].Shop)


async def test_a_project_is_its_file_or_its_folder(runners: Runner, write: Write) -> None:
    folder = write(toml=TOML)
    for project in (folder, folder / "calve.toml", str(folder)):
        async with runners.start(project) as app:
            assert await shop(app).name() == "corner"


async def test_a_project_may_be_any_modules(runners: Runner, write: Write) -> None:
    async with runners.start(write(), services=["little_shop"]) as app:
        assert await shop(app).name() == "shop"


async def test_settings_win_over_the_file_and_the_environment(
    runners: Runner, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALVE_SERVICE_LITTLE_SHOP_NAME", "environment")
    folder = write(toml=TOML)
    async with runners.start(folder) as app:
        assert await shop(app).name() == "environment"
    async with runners.start(folder, settings={"service.little_shop.name": "given"}) as app:
        assert await shop(app).name() == "given"


async def test_the_rest_edge_is_there(runners: Runner, write: Write) -> None:
    async with runners.start(write(), services=["little_shop"]) as app:
        answer = await app.rest.request("GET", "/name")
    assert (answer.status, answer.json()) == (200, "shop")


async def test_stores_are_empty_at_each_start_and_leave_nothing_behind(runners: Runner, write: Write) -> None:
    folder = write(start='async with self._store.transaction() as tx: await tx.execute("INSERT INTO once VALUES (1)")')
    (folder / "schema").mkdir()
    (folder / "schema" / "0001_once.sql").write_text("CREATE TABLE once (id INTEGER PRIMARY KEY) STRICT;\n")
    before = set(folder.rglob("*"))
    for _ in range(2):
        async with runners.start(folder, services=["little_shop"]):
            pass
    assert {path.name for path in set(folder.iterdir()) - before} <= {"__pycache__"}


async def test_nothing_stays_on_the_path(runners: Runner, write: Write) -> None:
    folder, before = write(), list(sys.path)
    async with runners.start(folder, services=["little_shop"]):
        pass
    assert sys.path == before


async def test_what_is_configured_wrong_is_the_same_error_everywhere(runners: Runner, write: Write) -> None:
    folder = write(more="class Other(ShopService): pass\nclass More(ShopService): pass\n")
    with pytest.raises(ConfigError, match=r"has 2 implementations of Shop \(Other, More\) in module little_shop"):
        async with runners.start(folder, services=["little_shop"]):
            pass


async def test_a_setting_that_is_wrong_is_the_same_error_everywhere(runners: Runner, write: Write) -> None:
    folder = write(toml=TOML.replace('"corner"', "5"))
    with pytest.raises(ConfigError, match=r"calve.toml:5: \[service.little_shop\] name: expected `str`, got `int`"):
        async with runners.start(folder):
            pass


async def test_an_override_needs_a_section(runners: Runner, write: Write) -> None:
    with pytest.raises(ConfigError, match="setting 'name' has no section; write for example"):
        async with runners.start(write(), services=["little_shop"], settings={"name": "x"}):
            pass


async def test_a_folder_without_a_project_is_an_error(runners: Runner, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"calve\.toml: cannot be read"):
        async with runners.start(tmp_path):
            pass


async def test_an_unknown_contract_is_named(runners: Runner, write: Write) -> None:
    from divergence_echo import Echo

    async with runners.start(write(), services=["little_shop"]) as app:
        with pytest.raises(ConfigError, match="Echo"):
            app.get(Echo)


async def test_an_error_of_the_test_comes_out(runners: Runner, write: Write) -> None:
    with pytest.raises(LookupError, match="mine"):
        async with runners.start(write(), services=["little_shop"]):
            raise LookupError("mine")


async def test_starting_is_bounded(runners: Runner, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "START_SECONDS", 0.2)
    with pytest.raises(TimeoutError):
        async with runners.start(write(start="await asyncio.sleep(1000)"), services=["little_shop"]):
            pass
