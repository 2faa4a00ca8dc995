"""What pytest learns from calve: the fixture `runners` and the option `--calve-runner`.

This module is loaded in every run of pytest on a machine that has calve, so it imports nothing heavy.
"""

from __future__ import annotations

import pytest

RUNNERS = ("inprocess", "codec", "processes")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--calve-runner`."""
    parser.getgroup("calve").addoption(
        "--calve-runner",
        action="append",
        choices=RUNNERS,
        help="run tests that use `runners` on this runner only (may be repeated); default: on all",
    )
