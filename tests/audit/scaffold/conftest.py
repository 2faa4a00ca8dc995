"""Surfaces of small projects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from audit_projects import Files, write

from calve.audit.findings import AuditOptions, Findings, audit
from calve.audit.scaffold import Surface, surface

Surfaced = Callable[[Files, str], Surface]
Found = Callable[[Files], Findings]


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """Writes a project and audits it."""

    def run(files: Files) -> Findings:
        return audit(write(tmp_path / "project", files), AuditOptions(cache=False, processes=1))

    return run


@pytest.fixture
def surfaced(found: Found) -> Surfaced:
    """Writes a project, and finds the surface of one of its candidates."""
    return lambda files, name: surface(found(files), name)
