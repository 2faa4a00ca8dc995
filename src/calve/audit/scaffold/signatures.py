"""Signatures of functions, as a contract would write them.

    take(item_id, count=1)            take(self, item_id: int, count: int = 1)
    find(q: str, user: User)          find(self, q: str, user: Unknown)
    publish(request, *args)           publish(self)                               both are not to be carried

Types that travel are kept. For a parameter without one, a literal default says it, or a name that ends in `id` or `pk`;
else it is `Unknown`. A file that this Python cannot parse has functions without parameters, and says so.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec

UNKNOWN = "Unknown"
SCALARS = frozenset(
    {"int", "str", "bool", "float", "bytes", "UUID", "Decimal", "date", "datetime", "time", "timedelta"}
)
_SEQUENCES = frozenset({"list", "List", "tuple", "Tuple", "set", "Set", "Sequence", "Iterable"})
_NOT_CARRIED = frozenset({"self", "cls", "request", "session", "db", "info", "root"})
"""Parameters that hand over the surroundings, not data."""

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class Parameter(msgspec.Struct, frozen=True):
    """One parameter."""

    name: str
    type: str
    default: str
    """As source; `` for none."""


class Signature(msgspec.Struct, frozen=True):
    """Of one function."""

    parameters: list[Parameter]
    returns: str
    doc: str
    """First line of the docstring, or ``."""
    left_out: list[str]
    """Parameters that are not carried, as they are written."""


def signature(path: Path, name: str, line: int) -> Signature:
    """Read a function's signature.

    Args:
        path: The file.
        name: Of the function, with the classes around it.
        line: On which it, or its first decorator, stands.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return Signature([], UNKNOWN, "", ["all: this Python cannot parse the file"])
    last = name.rpartition(".")[2]
    named = [node for node in ast.walk(tree) if isinstance(node, FunctionNode) and node.name == last]
    if not named:
        return Signature([], UNKNOWN, "", [])
    node = min(named, key=lambda node: abs(node.lineno - line))
    left_out: list[str] = []
    parameters = list(_parameters(node.args, left_out))
    doc = (ast.get_docstring(node) or "").strip().partition("\n")[0]
    return Signature(parameters, _returns(node), doc, left_out)


def _parameters(args: ast.arguments, left_out: list[str]) -> Iterator[Parameter]:
    plain = [*args.posonlyargs, *args.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(args.defaults)) + list(args.defaults)
    optional = False
    for arg, default in [*zip(plain, defaults, strict=True), *zip(args.kwonlyargs, args.kw_defaults, strict=True)]:
        if arg.arg in _NOT_CARRIED:
            if arg.arg not in ("self", "cls"):
                left_out.append(arg.arg)
            continue
        kind = UNKNOWN if arg.annotation is None else carried(arg.annotation)
        if kind == UNKNOWN and arg.annotation is None:
            kind = _guessed(arg.arg, default)
        if default is None and not optional:
            yield Parameter(arg.arg, kind, "")
            continue
        optional = True
        literal = isinstance(default, ast.Constant) and isinstance(default.value, int | str | float | type(None))
        if literal and isinstance(default, ast.Constant) and default.value is not None:
            yield Parameter(arg.arg, kind, repr(default.value))
        else:
            yield Parameter(arg.arg, kind if kind.endswith("None") else f"{kind} | None", "None")
    left_out += [f"*{args.vararg.arg}"] if args.vararg else []
    left_out += [f"**{args.kwarg.arg}"] if args.kwarg else []


def _guessed(name: str, default: ast.expr | None) -> str:
    if isinstance(default, ast.Constant) and type(default.value).__name__ in SCALARS:
        return type(default.value).__name__
    return "int" if name in ("id", "pk") or name.endswith(("_id", "_pk")) else UNKNOWN


def carried(annotation: ast.expr) -> str:
    """An annotation as a type that travels; `Unknown` for any other."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            return carried(ast.parse(annotation.value, mode="eval").body)
        except SyntaxError:
            return UNKNOWN
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return "None"
    if isinstance(annotation, ast.Name | ast.Attribute):
        name = annotation.id if isinstance(annotation, ast.Name) else annotation.attr
        return name if name in SCALARS else UNKNOWN
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _union(carried(annotation.left), carried(annotation.right))
    if isinstance(annotation, ast.Subscript):
        outer = annotation.value
        name = outer.id if isinstance(outer, ast.Name) else getattr(outer, "attr", "")
        inner = annotation.slice.elts[0] if isinstance(annotation.slice, ast.Tuple) else annotation.slice
        if name == "Optional":
            return _union(carried(inner), "None")
        if name in _SEQUENCES:
            return f"tuple[{carried(inner)}, ...]"
    return UNKNOWN


def _union(left: str, right: str) -> str:
    """`X | None`; a union of two types that are not told apart on the wire is not carried."""
    others = [kind for kind in (left, right) if kind != "None"]
    if len(others) == 2:
        return UNKNOWN
    return f"{others[0]} | None" if others and len({left, right}) == 2 else left


def _returns(node: FunctionNode) -> str:
    if node.returns is not None:
        return carried(node.returns)
    values = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value is not None]
    yields = any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in ast.walk(node))
    return UNKNOWN if yields or any(not _is_none(value) for value in values) else "None"


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
