"""Rules of the whole suite: what was left out is said at the end, and in CI nothing may be left out.

A test that needs something this machine may lack skips with the reason `needs X: how to get it`. With
`CALVE_REQUIRE_SERVICES=1` every skip is a failure, except those whose reason starts with `only on` (another platform or
Python). Modules that tests write are forgotten afterwards, and other projects' are out of their way: see modules.py.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

from . import modules

ROOT = Path(__file__).resolve().parent.parent
EXEMPT = "only on "


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def _no_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CALVE_REQUIRE_SERVICES") == "1":
        reason = _reason(report)
        if not reason.startswith(EXEMPT):
            report.outcome = "failed"
            report.longrepr = f"left out where nothing may be (CALVE_REQUIRE_SERVICES=1): {reason}"


class LeftOut:
    """The rules as a plug-in of the whole run: hooks of this file itself would only see the tests beside it."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turn a skipped test into a failed one where nothing may be left out."""
        report = yield
        _no_skip(report)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """The same for a whole module that skips itself."""
        report = yield
        _no_skip(report)
        return report

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was left out and why, most frequent first."""
        reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
        if reasons:
            terminalreporter.section("left out")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count:5} x {reason}")


def pytest_configure(config: pytest.Config) -> None:
    """Let the rules hold for the tests of the examples too."""
    config.pluginmanager.register(LeftOut(), "calve-left-out")
    config.pluginmanager.register(modules, "calve-modules")


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the repository, for tests about the repository itself."""
    return ROOT
