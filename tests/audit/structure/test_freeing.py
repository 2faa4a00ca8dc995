"""What to break first so that a part stands on its own."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from audit_projects import Files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calve.audit.findings import Findings
from calve.audit.structure.freeing import edges_to_break, hinges
from calve.audit.structure.graph import isolation

Audited = Callable[[Files], Findings]
ANY_SPEED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
USERS = "from app.search import index\n\nindex.find()\n"
PROJECT: Files = {
    "app/__init__.py": "",
    "app/search/__init__.py": "",
    "app/search/index.py": "from app.orders import lines\nfrom app.search import words\ndef find(): ...\n",
    "app/search/words.py": "from app.orders import lines\n",
    **{f"app/pages/p{n}.py": USERS for n in range(4)},
    "app/orders/lines.py": "import app.pages.p0\nfrom typing import TYPE_CHECKING\n"
    "if TYPE_CHECKING:\n    from app.search import words\n",
}


def test_edges_that_meet_in_one_module_are_broken_together(audited: Audited) -> None:
    graph = audited(PROJECT).graph
    assert isolation(graph, frozenset({"app.search"})) == (6, 7)
    first, second = hinges(graph, {"app.search"})
    assert (first.module, first.direction, first.others) == (
        "app.search.index",
        "used by",
        [f"app.pages.p{n}" for n in range(4)],
    )
    assert first.symbols == ["app.search.index.find"]
    assert str(first.places[0]) == "app/pages/p0.py:1"
    assert (first.crossing, first.all_edges) == (2, 3)
    assert (second.module, second.others, second.isolation) == (
        "app.orders.lines",
        ["app.search.index", "app.search.words"],
        0.0,
    )


def test_nothing_is_broken_that_is_isolated_enough(audited: Audited) -> None:
    graph = audited(PROJECT).graph
    assert hinges(graph, {"app.search"}, share=6 / 7) == []
    assert len(hinges(graph, {"app.search"}, share=2 / 3)) == 1
    assert len(hinges(graph, {"app.search"}, share=0, count=1)) == 1


@ANY_SPEED
@given(st.integers(0, 60), st.integers(0, 60))
def test_as_many_edges_are_broken_as_it_takes(crossing: int, inner: int) -> None:
    enough = Fraction(2, 5)
    least = next(n for n in range(crossing + 1) if crossing - n <= enough * (crossing - n + inner))
    assert edges_to_break(crossing, crossing + inner) == least
