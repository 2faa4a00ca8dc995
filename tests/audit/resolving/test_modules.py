"""Names lead through imports, re-exports and stars to where they are defined."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from audit_projects import Files

from calve.audit.findings import Findings
from calve.audit.resolving.modules import Symbol

Audited = Callable[[Files], Findings]

PROJECT: Files = {
    "top/__init__.py": "from .inner import *\nfrom .inner import thing as renamed\nfrom . import circle\n",
    "top/inner/__init__.py": "from .deep import thing, _private\n__all__ = ['thing']\n",
    "top/inner/deep.py": "thing = 1\n_private = 2\n",
    "top/circle.py": "from top.circle2 import lost\n",
    "top/circle2.py": "from top.circle import lost\n",
    "top/user.py": "import top, sibling\nimport top.inner.deep as d\nfrom os import path\nfrom top import circle\n",
    "top/sibling.py": "",
}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("top.thing", Symbol("top.inner.deep", "thing")),
        ("top.renamed.attribute", Symbol("top.inner.deep", "thing.attribute")),
        ("d.thing", Symbol("top.inner.deep", "thing")),
        ("top.inner.deep", Symbol("top.inner.deep", "")),
        ("path.join", "os.path.join"),
        ("sibling", Symbol("top.sibling", "")),
        ("circle.lost", Symbol("top.circle", "lost")),
        ("local", None),
    ],
)
def test_a_name_leads_to_where_it_is_defined(audited: Audited, name: str, meant: object) -> None:
    assert audited(PROJECT).modules.resolve("top.user", name) == meant


def test_each_of_several_projects_imports_its_own(audited: Audited) -> None:
    found = audited(
        {
            "api/pyproject.toml": "",
            "api/app/main.py": "from app import db\nimport app.db as again\nfrom corp import log\n",
            "api/app/db.py": "",
            "worker/pyproject.toml": "",
            "worker/app/main.py": "import app.jobs\nfrom app.jobs import run\nimport corp.log\n",
            "worker/app/jobs.py": "def run(): ...\n",
            "worker/app/db.py": "from . import jobs\n",
            "libs/pyproject.toml": "",
            "libs/corp/log.py": "",
        }
    )
    assert {(edge.source, edge.target) for edge in found.edges} == {
        ("api.app.main", "api.app.db"),
        ("api.app.main", "corp.log"),
        ("worker.app.main", "worker.app.jobs"),
        ("worker.app.main", "corp.log"),
        ("worker.app.db", "worker.app.jobs"),
    }
    assert set(found.graph.units) == {"api", "worker", "corp"}


def test_a_package_hides_a_module_of_its_name(audited: Audited) -> None:
    files = {"a/m.py": "old = 1\n", "a/m/__init__.py": "new = 1\n", "a/user.py": "from a import m\n"}
    assert audited(files).modules.files["a.m"].path == "a/m/__init__.py"


def test_a_star_takes_only_what_is_exported(audited: Audited) -> None:
    modules = audited(PROJECT).modules
    assert modules.definition("top", "thing") == Symbol("top.inner.deep", "thing")
    assert modules.definition("top", "_private") is None


def test_imports_become_edges_to_what_is_named_and_uses_to_what_defines(audited: Audited) -> None:
    edges = audited(PROJECT | {"top/uses.py": "from top import thing\nprint(thing)\n"}).edges
    found = [(e.target, e.kind, e.line) for e in edges if e.source == "top.uses"]
    assert sorted(found) == [("top", "import", 1), ("top.inner.deep", "name", 2)]
