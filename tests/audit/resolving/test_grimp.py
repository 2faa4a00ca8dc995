"""Every import that grimp sees is an edge, in whatever way it is written."""

from __future__ import annotations

from pathlib import Path

import grimp
import pytest
from audit_projects import DJANGO, FLASK, Files, write

from calve.audit.findings import AuditOptions, audit
from calve.audit.resolving.imports import import_edges

pytestmark = pytest.mark.usefixtures("own_modules")  # grimp asks the interpreter where a package is

Pair = tuple[str, str]

WAYS: Files = {
    "top/__init__.py": "from .reexported import *\nfrom top.inner import deep as renamed\n",
    "top/reexported.py": "__all__ = ['thing']\nthing = 1\nother = 2\n",
    "top/inner/__init__.py": "from . import deep\nfrom .. import sibling\n",
    "top/inner/deep.py": "import top.sibling\nimport top.inner.deeper.end as end\nfrom top import thing\n",
    "top/inner/deeper/__init__.py": "",
    "top/inner/deeper/end.py": "from top.inner.deep import name\nfrom ..deep import (\n    one,\n    two as x,\n)\n",
    "top/sibling.py": """
        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from top.inner import deep

        try:
            import top.missing
            from top.inner.missing import name
        except ImportError:
            top = None


        def late():
            from .inner.deeper import end

            class Inner:
                import top.reexported
    """,
    "top/stars.py": """
        from top.inner.deeper.end import *
        from top.inner import *
        from . import sibling; import top.reexported
    """,
    "top/continued.py": """
        from top import \
            sibling, \
            stars
        if True: import top.inner
    """,
    "top/modern.py": """
        match 1:
            case 1:
                import top.stars
        with open('f') as f, open('g'):
            import top.inner.deep
    """,
    "top/hidden.py": """
        name = 'import top.stars'
        '''
        import top.sibling
        '''
        # import top.inner
        import topper, top_level
    """,
    "top/shadow/__init__.py": "value = 1\n",
    "top/shadow/value.py": "",
    "top/uses_shadow.py": "from top.shadow import value\nfrom top.shadow.value import nothing\n",
    "top/tests/__init__.py": "",
    "top/tests/test_all.py": "from top import continued, hidden\n",
}


def _compared(root: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> tuple[set[Pair], set[Pair]]:
    """The edges of grimp, and ours between the modules that it knows and we couple."""
    monkeypatch.syspath_prepend(str(root))
    graph = grimp.build_graph(package, cache_dir=None)
    modules = audit(root, AuditOptions(cache=False, processes=1)).modules
    known = graph.modules & set(modules.facts)
    theirs = {(m, used) for m in known for used in graph.find_modules_directly_imported_by(m) if used in known}
    ours = {(edge.source, edge.target) for edge in import_edges(modules)}
    return theirs, {pair for pair in ours if set(pair) <= known}


def test_every_way_to_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, ours = _compared(write(tmp_path, WAYS), "top", monkeypatch)
    assert len(theirs) > 20
    assert theirs - ours == set()
    # A name hides a module, and a package is loaded on the way to what is missing in it: grimp looks at neither.
    assert ours - theirs == {("top.uses_shadow", "top.shadow"), ("top.sibling", "top.inner")}


@pytest.mark.parametrize(("files", "package"), [(DJANGO, "shop"), (FLASK, "app")])
def test_the_fixtures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: Files, package: str) -> None:
    theirs, ours = _compared(write(tmp_path, files), package, monkeypatch)
    assert theirs
    assert ours == theirs
