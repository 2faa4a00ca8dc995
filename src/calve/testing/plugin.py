"""What pytest learns from calve: the fixture `runners`, and the option `--calve-runner`.

    @pytest_asyncio.fixture(scope="module", loop_scope="module")
    async def app(runners: Runner) -> AsyncIterator[App]:
        async with runners.start("calve.toml") as app:
            yield app

    $ pytest --calve-runner=inprocess

This module is loaded in every run of pytest on a machine that has calve, so it imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .runners import Runner

RUNNERS = ("inprocess", "codec", "processes")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--calve-runner`."""
    parser.getgroup("calve").addoption(
        "--calve-runner",
        action="append",
        choices=RUNNERS,
        help="run tests that use `runners` on this runner only (may be repeated); default: on all",
    )


@pytest.fixture(scope="module", params=RUNNERS)
def runners(request: pytest.FixtureRequest) -> Runner:
    """Every test that uses it, itself or by another fixture, runs once on each runner."""
    from .runners import runner

    return runner(request.param)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the runners that were not asked for."""
    chosen = config.getoption("--calve-runner")
    if not chosen:
        return
    left_out = [item for item in items if _runner_of(item) not in (None, *chosen)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _runner_of(item: pytest.Item) -> str | None:
    callspec = getattr(item, "callspec", None)
    name = callspec.params.get("runners") if callspec is not None else None
    return name if name in RUNNERS else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failed test what the processes of its application wrote."""
    report = yield
    if report.failed and _runner_of(item) == "processes":
        from .runners import App

        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, App):
                report.sections.append(("log of the units", value.log()))
    return report
