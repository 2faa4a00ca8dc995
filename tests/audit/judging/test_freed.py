"""A large project in which everything speaks for services but its own shape, and what frees its best part."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from audit_projects import Files

from calve.audit.findings import AuditOptions, Findings, weigh
from calve.audit.judging.answers import Answers
from calve.audit.structure.freeing import SEPARABLE

Audited = Callable[[Files], Findings]
IN_FAVOUR = Answers(
    team_size=100,
    teams=10,
    teams_wait=True,
    early_product=False,
    strict_acid=[],
    scale_apart=[],
    lead_time_days=30,
    deploys_a_week=50,
    change_fail_percent=1,
    restore_hours=1,
    on_call=True,
    monitoring=True,
    rapid_provisioning=True,
)
FILLER = "x = 1\n" * 1700
PRACTICE: Files = {
    "Dockerfile": "FROM scratch\n",
    ".gitlab-ci.yml": "{}\n",
    "shop/core/telemetry.py": "import opentelemetry, waffle\n\n\ndef healthz(): ...\n",
}
"""Signs of readiness."""


def layered(apps: int = 6) -> Files:
    """Applications on a base that all of them are made of, and which knows all of them: no part stands alone.

    `search` is the least entangled: two others use its index, in eight modules, and it uses the base.
    """
    files: Files = {**PRACTICE, "shop/__init__.py": ""}
    others = [f"app{n}" for n in range(apps)]
    for name in others:
        neighbours = "".join(f"from shop.{other} import models as {other}\n" for other in others if other != name)
        files[f"shop/{name}/models.py"] = f"from shop.core import base\n{FILLER}"
        files[f"shop/{name}/views.py"] = f"from shop.core import base\nfrom shop.{name} import models\n{neighbours}"
    for name in (f"{app}/{page}" for app in ("app0", "app1") for page in ("pages", "feeds", "menu", "box")):
        files[f"shop/{name}.py"] = "from shop.search.index import find\n\nfind()\n"
    files["shop/core/base.py"] = FILLER
    files["shop/core/site.py"] = "".join(f"from shop.{name} import views as {name}\n" for name in others) + FILLER
    inner = ["index", "words", "rank", "score", "parse", "store", "cache", "query"]
    for n, name in enumerate(inner):
        before = "".join(f"from shop.search import {other}\n" for other in inner[max(0, n - 2) : n])
        files[f"shop/search/{name}.py"] = before + FILLER
    for name in ("api", "admin", "jobs", "feed"):
        files[f"shop/search/{name}.py"] = "from shop.core import site\nfrom shop.search import store\n"
    return files


def _in_favour(found: Findings) -> Findings:
    weigh(found, msgspec.structs.replace(AuditOptions(cache=False, processes=1), answers=IN_FAVOUR))
    return found


@pytest.fixture
def found(audited: Audited) -> Findings:
    """The project as it is."""
    return _in_favour(audited(layered()))


def test_no_answer_makes_it_separable(found: Findings) -> None:
    assert (found.verdict.need, found.verdict.readiness, found.verdict.unfit) == ("yes", "yes", [])
    assert found.verdict.sentence == "Modularise in place: shop.search is not separable yet."


def test_the_few_edges_that_would_free_its_best_part_are_named(found: Findings) -> None:
    best = next(c for c in found.candidates if c.name == found.verdict.candidate)
    assert [(hinge.module, hinge.direction, len(hinge.others)) for hinge in best.hinges] == [
        ("shop.search.index", "used by", 8)
    ]
    assert best.hinges[-1].isolation <= SEPARABLE < best.bill.isolation
    assert "first shop.search.index, which is used by 8 modules (shop/app0/box.py:1)" in found.verdict.would_change[0]


def test_breaking_them_frees_it(audited: Audited) -> None:
    freed = {name: "" if "shop.search.index import" in text else text for name, text in layered().items()}
    verdict = _in_favour(audited(freed)).verdict
    assert verdict.sentence == "Extract shop.search, and nothing else for now."
    assert verdict.would_change == []
