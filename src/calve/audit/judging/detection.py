"""What a repository shows of being ready for services: pipeline, containers, telemetry, health checks, flags, tests.

Detection is weak, and says so: what is not found here may well exist elsewhere in the company.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from ..discover import SourceFile
from ..reading.facts import FileFacts

_FILES = {
    "pipeline": (
        ".github/workflows",
        ".gitlab-ci.yml",
        ".circleci",
        "Jenkinsfile",
        "azure-pipelines.yml",
        ".travis.yml",
        "bitbucket-pipelines.yml",
    ),
    "container image": (
        "Dockerfile",
        "Containerfile",
        "docker",
        "docker-compose.yml",
        "compose.yml",
        "compose.yaml",
        "dockerfiles",
    ),
    "infrastructure as code": ("terraform", "helm", "charts", "k8s", "kubernetes", "deploy", "ansible"),
}
_IMPORTS = {
    "telemetry": re.compile(
        r"opentelemetry|prometheus_client|django_prometheus|sentry_sdk|ddtrace|newrelic|statsd|structlog"
    ),
    "feature flags": re.compile(r"waffle|flagsmith|unleash|ldclient|launchdarkly|gargoyle|flags"),
    "background work": re.compile(r"celery|rq|dramatiq|huey|django_rq|arq|taskiq"),
}
_HEALTH = re.compile(r"(?:^|[/._-])(?:health(?:z|check)?|readyz|live(?:z|ness)|ping)(?:$|[/._-])", re.IGNORECASE)


class Sign(msgspec.Struct, frozen=True, order=True):
    """One sign of readiness."""

    name: str
    found: bool
    where: str
    """The file that shows it; `` when it was not found in this repository."""


def detect(root: Path, files: Iterable[SourceFile], facts: dict[str, FileFacts]) -> list[Sign]:
    """Look for the signs, in the audited folder and up to the root of its repository."""
    tops = [root, *(parent for parent in root.parents if (parent / ".git").exists())][:2]
    signs = []
    for name, candidates in _FILES.items():
        where = next((c for top in tops for c in candidates if (top / c).exists()), "")
        signs.append(Sign(name, bool(where), where))
    imported = sorted({(fact.module, path) for path, file in facts.items() for fact in file.imports if fact.level == 0})
    for name, pattern in _IMPORTS.items():
        where = next((path for module, path in imported if pattern.match(module)), "")
        signs.append(Sign(name, bool(where), where))
    health = next((p for p, file in sorted(facts.items()) if any(_HEALTH.search(f.name) for f in file.functions)), "")
    signs.append(Sign("health check", bool(health), health))
    files = list(files)
    tests = sum(facts[f.path].code_lines for f in files if f.role == "test" and f.path in facts)
    code = sum(facts[f.path].code_lines for f in files if f.role == "code" and f.path in facts)
    ratio = f"{tests} lines of tests for {code} of code"
    signs.append(Sign("tests", tests * 4 >= code, ratio))
    return signs
