"""tree-sitter for Python: bytes to a tree, and small questions to its nodes.

Tree-sitter rather than `ast`: it reads every Python that was ever written, Python 2 included, whatever interpreter runs
this, gives a tree even around mistakes, and is three times as fast.
"""

from __future__ import annotations

import re

import tree_sitter_python
from tree_sitter import Language, Node, Parser, Tree

from .facts import Chain, Link

PYTHON = Language(tree_sitter_python.language())
_DOTTED = re.compile(rb"[^\W\d]\w*(?:\s*\.\s*[^\W\d]\w*)*")
_SPACE = re.compile(r"\s+")

KIND = {PYTHON.node_kind_for_id(i): i for i in range(PYTHON.node_kind_count) if PYTHON.node_kind_is_named(i)}
"""Name of a kind of node -> its number; numbers are faster to compare."""


def parse(source: bytes) -> Tree:
    """Parse a file; never fails, mistakes become error nodes."""
    return Parser(PYTHON).parse(source)


def text(node: Node | None) -> str:
    """The source of a node; `` for none."""
    return "" if node is None or node.text is None else node.text.decode("utf-8", "replace")


def dotted(node: Node | None) -> str:
    """`a.b.c` when the node is a name or a chain of attributes of one, else ``."""
    if node is None or node.type not in ("identifier", "attribute", "dotted_name") or node.text is None:
        return ""
    return _SPACE.sub("", text(node)) if _DOTTED.fullmatch(node.text) else ""


def literal(node: Node | None) -> str | None:
    """The contents of a plain string literal, or of several in a row; None when it is something else."""
    if node is None:
        return None
    if node.type == "concatenated_string":
        parts = [literal(child) for child in node.named_children if child.type != "comment"]
        return None if None in parts else "".join(part for part in parts if part is not None)
    if node.type == "parenthesized_expression" and node.named_child_count == 1:
        return literal(node.named_children[0])
    if node.type != "string":
        return None
    content = ""
    for child in node.named_children:
        if child.type == "string_content":
            content += text(child)
        elif child.type == "interpolation":
            return None
    return content


def argument(node: Node) -> str:
    """An argument as text; see `calve.audit.reading.facts`."""
    name = dotted(node)
    if name:
        return name
    if node.type in ("true", "false", "none", "integer"):
        return text(node)
    value = literal(node)
    return "" if value is None else "'" + value


def chain(call: Node) -> Chain | None:
    """A call, and the calls it hangs on, from the first to the last.

        Order.objects.filter(a=1).update(b=2)   ->  root "Order.objects", links filter, update

    Returns: None when what is called is no name at all (`f()()`, `table[i]()`).
    """
    links: list[Link] = []
    node: Node | None = call
    while node is not None and node.type == "call":
        function = node.child_by_field_name("function")
        if function is None:
            return None
        if function.type == "identifier":
            links.append(_link(text(function), node))
            return Chain(call.start_point.row + 1, "", tuple(reversed(links)))
        if function.type != "attribute":
            return None
        links.append(_link(text(function.child_by_field_name("attribute")), node))
        node = function.child_by_field_name("object")
        if node is not None and node.type == "subscript":
            node = node.child_by_field_name("value")
        # a.b.filter(...).first().user.save(): attributes between two calls belong to the chain as calls without
        # arguments would, since they may be relations.
        while node is not None and node.type == "attribute" and not dotted(node):
            links.append(Link(text(node.child_by_field_name("attribute"))))
            node = node.child_by_field_name("object")
    return Chain(call.start_point.row + 1, dotted(node), tuple(reversed(links)))


def _link(name: str, call: Node) -> Link:
    arguments = call.child_by_field_name("arguments")
    args: list[str] = []
    keywords: dict[str, str] = {}
    if arguments is not None and arguments.type == "argument_list":
        for child in arguments.named_children:
            if child.type == "keyword_argument":
                value = child.child_by_field_name("value")
                keywords[text(child.child_by_field_name("name"))] = "" if value is None else _value(value)
            elif child.type != "comment":
                args.append(_value(child))
    return Link(name, tuple(args), keywords)


def _value(node: Node) -> str:
    """An argument; of a call, the dotted name that is called with `()` behind it, as in `default=get_model()`."""
    if node.type == "call":
        name = dotted(node.child_by_field_name("function"))
        inner = node.child_by_field_name("arguments")
        first = inner.named_children[0] if inner is not None and inner.named_children else None
        if name and first is not None and literal(first) is not None:
            return f"{name}('{literal(first)}"
        return f"{name}()" if name else ""
    return argument(node)
