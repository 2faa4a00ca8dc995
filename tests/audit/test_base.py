"""Which edges couple two modules."""

from __future__ import annotations

import pytest

from calve.audit.base import Edge, EdgeKind, Place, coupled, module_pairs


@pytest.mark.parametrize(
    ("kind", "scope", "couples"),
    [
        ("import", "eager", True),
        ("import", "local", True),
        ("import", "types", False),
        ("string", "string", True),
        ("name", "eager", False),
        ("relation", "foreign key", False),
    ],
)
def test_what_is_loaded_couples(kind: EdgeKind, scope: str, couples: bool) -> None:
    assert coupled(Edge("a", "b", kind, "exact", "", "a.py", 1, scope)) is couples


def test_a_pair_counts_once() -> None:
    edges = [Edge("a", "b", "import", "exact", name, "a.py", 1) for name in ("x", "y")]
    assert module_pairs([*edges, Edge("a", "c", "name", "exact", "x", "a.py", 2)]) == {("a", "b")}


def test_a_place_is_written_as_editors_take_it() -> None:
    assert str(Place("a/b.py", 3)) == "a/b.py:3"
