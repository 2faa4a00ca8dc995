"""What a repository shows of being ready for services, and what it suggests as answers to what only people know.

    pipeline, container image, infrastructure as code     files and folders with the usual names
    telemetry, feature flags, background work             imports of the usual libraries
    health check                                          functions, classes and libraries by name
    migrations, tests, releases                           counted

Detection is weak, and says so: what is not found here may well exist elsewhere in the company.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from ..discover import SourceFile
from ..git import History, regular_authors
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
    "telemetry": (
        *("opentelemetry", "prometheus_client", "django_prometheus", "sentry_sdk"),
        *("ddtrace", "newrelic", "statsd", "structlog"),
    ),
    "feature flags": ("waffle", "flagsmith", "UnleashClient", "ldclient", "gargoyle", "flags", "growthbook"),
    "background work": ("celery", "rq", "dramatiq", "huey", "django_rq", "arq", "taskiq", "procrastinate"),
    "health check": ("health_check", "healthcheck", "watchman"),
}
"""Sign -> top-level modules that show it."""
_HEALTH = re.compile(
    r"(?:^|[/._-])(?:health(?:z|_?checks?)?|readyz|readiness|live(?:z|ness)|ping)(?:$|[/._-])"
    r"|(?:Health|Readiness|Liveness)(?:Check|z)?(?:View|Handler|Resource|Endpoint)?$",
    re.IGNORECASE,
)
RELEASES_A_YEAR = 12.0
_WEEKS_A_YEAR = 52.18
_GROWN_YEARS = 2.0


class Sign(msgspec.Struct, frozen=True, order=True):
    """One sign of readiness."""

    name: str
    found: bool
    where: str
    """The file that shows it; `` when it was not found in this repository."""


class Suggestion(msgspec.Struct, frozen=True):
    """An answer somebody may agree to; none until they do."""

    value: Any
    why: str


def detect(root: Path, files: Iterable[SourceFile], facts: dict[str, FileFacts], history: History) -> list[Sign]:
    """Look for the signs, in the audited folder and up to the root of its repository."""
    tops = [root, *(parent for parent in root.parents if (parent / ".git").exists())][:2]
    signs = []
    for name, candidates in _FILES.items():
        where = next((c for top in tops for c in candidates if (top / c).exists()), "")
        signs.append(Sign(name, bool(where), where))
    imported: dict[str, str] = {}
    for path, file in sorted(facts.items(), reverse=True):  # the first path wins
        imported.update((fact.module.partition(".")[0], path) for fact in file.imports if fact.level == 0)
    for name, modules in _IMPORTS.items():
        where = min((imported[module] for module in modules if module in imported), default="")
        signs.append(Sign(name, bool(where), where))
    if not signs[-1].found:
        health = next((path for path, file in sorted(facts.items()) if _answers_health(file)), "")
        signs[-1] = Sign("health check", bool(health), health)
    files = list(files)
    migration = next((file.path for file in sorted(files) if file.role == "migration"), "")
    signs.append(Sign("migrations", bool(migration), migration))
    tests = sum(facts[f.path].code_lines for f in files if f.role == "test" and f.path in facts)
    code = sum(facts[f.path].code_lines for f in files if f.role == "code" and f.path in facts)
    signs.append(Sign("tests", 0 < code <= tests * 4, f"{tests} lines of tests for {code} of code"))
    tags = history.tags_a_year
    signs.append(Sign("releases", (tags or 0) >= RELEASES_A_YEAR, "" if tags is None else _tags(tags)))
    return signs


def suggest(signs: Iterable[Sign], history: History) -> dict[str, Suggestion]:
    """Answers that the repository suggests, by the name of the question."""
    found = {sign.name: sign.where for sign in signs if sign.found}
    suggested = {}
    regulars, tags = regular_authors(history), history.tags_a_year
    if regulars:
        suggested["team_size"] = Suggestion(regulars, "people who commit regularly")
    if tags:
        suggested["deploys_a_week"] = Suggestion(round(tags / _WEEKS_A_YEAR, 1), _tags(tags))
    if "telemetry" in found:
        suggested["monitoring"] = Suggestion(True, f"see {found['telemetry']}")
    if "infrastructure as code" in found:
        suggested["rapid_provisioning"] = Suggestion(True, f"see {found['infrastructure as code']}")
    if history.years >= _GROWN_YEARS:
        suggested["early_product"] = Suggestion(False, f"{history.years:g} years of history or more")
    return suggested


def _answers_health(file: FileFacts) -> bool:
    names = [*(function.name for function in file.functions), *(cls.name for cls in file.classes)]
    return any(map(_HEALTH.search, names))


def _tags(count: float) -> str:
    return f"{count:g} tags in the last year"
