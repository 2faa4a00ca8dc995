"""Signs of readiness in a repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from audit_projects import Files

from calve.audit.findings import Findings

Audited = Callable[[Files], Findings]


def test_signs_are_found_where_they_are(audited: Audited, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "Dockerfile").write_text("FROM scratch\n")
    found = audited({"app/a.py": "import prometheus_client\ndef healthz(): ...\n", "app/b.py": "import celery\n"})
    assert {sign.name: sign.where for sign in found.signs if sign.found} == {
        "container image": "Dockerfile",
        "telemetry": "app/a.py",
        "background work": "app/b.py",
        "health check": "app/a.py",
    }


def test_what_is_not_found_is_listed_as_such(audited: Audited) -> None:
    signs = audited({"app/a.py": "class Config:\n    def ready(self): ...\n"}).signs
    assert [sign.name for sign in signs if sign.found] == []
    assert "pipeline" in [sign.name for sign in signs]
