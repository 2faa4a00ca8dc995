"""The words of an audit: what was found, how sure that is, and where it stands.

Gap      something that could not be read or resolved; gaps are printed, never counted as "nothing there"
Edge     one part of the code depends on another, with its kind, its confidence and its place
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

Confidence = Literal["exact", "inferred", "string", "runtime", "unresolved"]
"""How an edge is known: the language says so; a type was worked out; a string names it; seen at run time; not known."""

EdgeKind = Literal[
    "import", "name", "inherits", "relation", "string", "read", "write", "join", "task", "signal", "url", "sql", "http"
]


class Place(msgspec.Struct, frozen=True, order=True):
    """A line of a file of the audited project, relative to its root."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


class Gap(msgspec.Struct, frozen=True, order=True):
    """Something that is not known, and why."""

    kind: str
    """`unreadable`, `syntax`, `encoding`, `symlink`, `not python`, `generated`, `unresolved ...`."""
    path: str
    line: int
    why: str


class Edge(msgspec.Struct, frozen=True, order=True):
    """A dependency of one module on another."""

    source: str
    """Module that depends."""
    target: str
    """Module that is depended on: the one that defines what is used, however often it is re-exported."""
    kind: EdgeKind
    confidence: Confidence
    symbol: str
    """What is used of the target; `` for the module itself."""
    path: str
    line: int
    scope: str = "eager"
    """Of imports: `eager`, `local` or `types`; of the others how or by whom."""


def coupled(edge: Edge) -> bool:
    """Whether an edge counts for isolation: an import that is executed, or a string that stands for one."""
    return edge.kind in ("import", "string") and edge.scope != "types"


def module_pairs(edges: Iterable[Edge]) -> set[tuple[str, str]]:
    """The pairs of modules that these edges couple, each once."""
    return {(edge.source, edge.target) for edge in edges if coupled(edge)}
