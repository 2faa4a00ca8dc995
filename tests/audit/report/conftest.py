"""Documents of small projects, made large enough to have candidates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from audit_projects import DJANGO, Files, write

from calve.audit.findings import AuditOptions, Findings, audit
from calve.audit.report.build import build
from calve.audit.report.document import Document

OPTIONS = AuditOptions(cache=False, processes=1)
Documented = Callable[[Files], Document]


def grown(files: Files, *packages: str) -> Files:
    """The project with 120 more lines in each of these packages: enough for a candidate."""
    return {**files, **{f"{package}/filling.py": "x = 1\n" * 120 for package in packages}}


SHOP = grown(DJANGO, "shop/orders", "shop/stock", "shop/reports", "shop/users")


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """The shop on Django, with candidates."""
    return audit(write(tmp_path_factory.mktemp("report") / "shop", SHOP), OPTIONS)


@pytest.fixture(scope="session")
def document(shop: Findings) -> Document:
    """Its document."""
    return build(shop, OPTIONS)


@pytest.fixture
def documented(tmp_path: Path) -> Documented:
    """Writes a project, audits it and makes its document."""

    def run(files: Files) -> Document:
        return build(audit(write(tmp_path / "project", files), OPTIONS), OPTIONS)

    return run
