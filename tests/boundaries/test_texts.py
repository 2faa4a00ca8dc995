"""String literals of a module, put together as the program does."""

from __future__ import annotations

from pathlib import Path

from calve.boundaries.source import Module
from calve.boundaries.texts import HOLE, texts_of

TEXT = '''
"""A docstring."""
one = "a" "b"
two = "c" + "d" + "e"
def f(x):
    """Another."""
    return f"g {x} h {'i'!r:>5}" + unknown, f"{x}" + "j"
'''


def test_what_belongs_together_is_one_text() -> None:
    module = Module("m", Path("m.py"), TEXT)
    found = sorted((place.line, text) for text, place in texts_of(module))
    assert [item for item in found if item[1] not in ("i", HOLE, ">5")] == [
        (3, "ab"),
        (4, "cde"),
        (7, f"{HOLE}j"),
        (7, f"g {HOLE} h {HOLE}"),
    ]
