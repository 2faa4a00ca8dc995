"""Audited projects, one of each kind; nothing keeps facts between tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from audit_projects import DJANGO, FASTAPI, FLASK, Files, write

from calve.audit.findings import AuditOptions, Findings, audit

Audited = Callable[[Files], Findings]


@pytest.fixture
def audited(tmp_path: Path) -> Audited:
    """Writes a project and audits it."""

    def run(files: Files) -> Findings:
        return audit(write(tmp_path / "project", files), AuditOptions(cache=False, processes=1))

    return run


@pytest.fixture(scope="session")
def django(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """The shop on Django; read only, so one audit serves all tests."""
    return audit(write(tmp_path_factory.mktemp("django"), DJANGO), AuditOptions(cache=False, processes=1))


@pytest.fixture(scope="session")
def flask(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """The blog on Flask."""
    return audit(write(tmp_path_factory.mktemp("flask"), FLASK), AuditOptions(cache=False, processes=1))


@pytest.fixture(scope="session")
def fastapi(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """The bank on FastAPI."""
    return audit(write(tmp_path_factory.mktemp("fastapi"), FASTAPI), AuditOptions(cache=False, processes=1))
