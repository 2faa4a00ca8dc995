"""The import statements of one file."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node, Query, QueryCursor

from .facts import Import, When
from .syntax import PYTHON, text

_QUERY = Query(PYTHON, "[(import_statement) (import_from_statement)] @import")
_FUNCTIONS = ("function_definition", "lambda")


def imports_of(root: Node) -> list[Import]:
    """Every name that an import binds, in the order of the lines; `from __future__` is none."""
    nodes = QueryCursor(_QUERY).captures(root).get("import", [])
    found = [fact for node in nodes for fact in _facts(node)]
    return sorted(found, key=lambda fact: (fact.line, fact.bound, fact.name))


def _facts(node: Node) -> Iterator[Import]:
    line, when = node.start_point.row + 1, _when(node)
    if node.type == "import_statement":
        for child in node.children_by_field_name("name"):
            module, bound = _named(child)
            yield Import(line, module, 0, "", bound or module.split(".")[0], when)
        return
    source = node.child_by_field_name("module_name")
    module, level = _source(source)
    if any(child.type == "wildcard_import" for child in node.named_children):
        yield Import(line, module, level, "*", "*", when)
        return
    for child in node.children_by_field_name("name"):
        name, bound = _named(child)
        yield Import(line, module, level, name, bound or name, when)


def _source(node: Node | None) -> tuple[str, int]:
    """The module after `from`, and how many dots are in front."""
    if node is None or node.type != "relative_import":
        return _dotted(node), 0
    prefix = node.named_children[0]
    inner = node.named_children[1] if node.named_child_count > 1 else None
    return _dotted(inner), text(prefix).count(".")


def _named(node: Node) -> tuple[str, str]:
    """What is imported, and its alias or ``."""
    if node.type == "aliased_import":
        return _dotted(node.child_by_field_name("name")), text(node.child_by_field_name("alias"))
    return _dotted(node), ""


def _dotted(node: Node | None) -> str:
    return "".join(text(node).split())


def _when(node: Node) -> When:
    """When the statement is executed, from what is around it."""
    when: When = "eager"
    around = node.parent
    while around is not None:
        if around.type in _FUNCTIONS:
            return "local"
        if around.type == "if_statement" and "TYPE_CHECKING" in text(around.child_by_field_name("condition")):
            otherwise = around.child_by_field_name("alternative")
            if otherwise is None or node.start_byte < otherwise.start_byte:
                when = "types"
        around = around.parent
    return when
