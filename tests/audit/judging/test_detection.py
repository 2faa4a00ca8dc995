"""Signs of readiness in a repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from audit_projects import Files

from calve.audit.findings import Findings
from calve.audit.git import REGULAR_COMMITS, Commit, History
from calve.audit.judging.detection import Sign, detect, suggest

Audited = Callable[[Files], Findings]


NO_HISTORY = History([], {}, None, "", None)


def test_signs_are_found_where_they_are(audited: Audited, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "Dockerfile").write_text("FROM scratch\n")
    found = audited(
        {
            "app/a.py": "import prometheus_client.core\ndef healthz(): ...\n",
            "app/b.py": "from celery import app\n",
            "app/migrations/0001_first.py": "",
            "app/tests/test_a.py": "assert True\n",
        }
    )
    assert {sign.name: sign.where for sign in found.signs if sign.found} == {
        "container image": "Dockerfile",
        "telemetry": "app/a.py",
        "background work": "app/b.py",
        "health check": "app/a.py",
        "migrations": "app/migrations/0001_first.py",
        "tests": "1 lines of tests for 3 of code",
    }


def test_what_is_not_found_is_listed_as_such(audited: Audited) -> None:
    signs = audited({"app/a.py": "import flagstaff, rqdata\nclass Config:\n    def ready(self): ...\n"}).signs
    assert [sign.name for sign in signs if sign.found] == []
    assert "pipeline" in [sign.name for sign in signs]


@pytest.mark.parametrize(
    "code", ["class HealthCheckView: ...", "class Api:\n    def ping(self): ...", "import watchman"]
)
def test_health_checks_have_many_names(audited: Audited, code: str) -> None:
    assert Sign("health check", True, "a.py") in audited({"a.py": code + "\n"}).signs


def test_releases_are_counted_by_tags(tmp_path: Path) -> None:
    def releases(tags: float | None) -> Sign:
        history = msgspec.structs.replace(NO_HISTORY, tags_a_year=tags)
        return next(sign for sign in detect(tmp_path, [], {}, history) if sign.name == "releases")

    assert releases(None) == Sign("releases", False, "")
    assert releases(11) == Sign("releases", False, "11 tags in the last year")
    assert releases(12) == Sign("releases", True, "12 tags in the last year")


def test_a_repository_suggests_answers_but_gives_none() -> None:
    commits = [Commit(n, "Ann", ("a.py",)) for n in range(REGULAR_COMMITS)][::-1]
    history = History(commits, {}, 26.09, "", None, 3.0)
    signs = [Sign("telemetry", True, "a.py"), Sign("infrastructure as code", False, "")]
    assert {name: found.value for name, found in suggest(signs, history).items()} == {
        "team_size": 1,
        "deploys_a_week": 0.5,
        "monitoring": True,
        "early_product": False,
    }
    assert suggest([], NO_HISTORY) == {}
