"""Where each parameter of an operation sits in its HTTP request, with types.

The rule is in http.py; this is its outcome, computed once and read by the REST edge and the OpenAPI document alike:

    GET /wallets/{owner}?limit=5             path (owner), query (limit)
    POST /wallets/{owner}/debits  {...}      path (owner), body: one struct made of the other parameters
    POST /orders  {...}                      body: the one message, `body_param` its name
"""

from __future__ import annotations

import types
from typing import Any, NamedTuple, Union, get_args, get_origin

import msgspec
import msgspec.inspect as mi

from .kinds import SEQUENCES, is_message, plain
from .operation import Operation


class Param(NamedTuple):
    """One parameter that is written as text, in the path or in the query string."""

    name: str
    kind: Any
    """Annotation as written, constraints included."""
    required: bool
    default: Any
    """`msgspec.NODEFAULT` when required."""
    repeated: bool
    """A sequence: the name may come several times."""


class Binding(NamedTuple):
    """An operation as an HTTP request."""

    path: tuple[Param, ...]
    query: tuple[Param, ...]
    body: Any
    """Type of the body; None when the operation takes none."""
    body_param: str | None
    """The parameter that is the whole body; None when the body has one member per parameter."""
    body_required: bool
    """Whether an empty body is refused (otherwise it means that every member has its default)."""
    versioned: bool
    """Whether good answers to a GET carry a `version`, hence an entity tag."""


def bind(operation: Operation) -> Binding:
    """Place the parameters of an operation that has an HTTP rule."""
    rule = operation.http
    assert rule is not None, "only operations with http=... are bound"
    fields = msgspec.structs.fields(operation.request)
    in_path = [f for f in fields if f.name in rule.path_params]
    rest = [f for f in fields if f.name not in rule.path_params]
    path = tuple(_param(next(f for f in in_path if f.name == name)) for name in rule.path_params)
    versioned = rule.method == "GET" and not operation.streaming and _has_version(operation.response)
    if rule.method in ("GET", "DELETE"):
        return Binding(path, tuple(map(_param, rest)), None, None, False, versioned)
    if not rest:
        return Binding(path, (), None, None, False, versioned)
    required = any(f.required for f in rest)
    if operation.body_param is not None:
        return Binding(path, (), rest[0].type, operation.body_param, required, versioned)
    if not in_path:
        return Binding(path, (), operation.request, None, required, versioned)
    body = msgspec.defstruct(
        f"{operation.contract}_{operation.name}_body",
        [(f.name, f.type) if f.required else (f.name, f.type, f.default) for f in rest],
        frozen=True,
        kw_only=True,  # a required keyword parameter may come after one with a default
        module=operation.request.__module__,
    )
    return Binding(path, (), body, None, required, versioned)


def _param(field: msgspec.structs.FieldInfo) -> Param:
    return Param(field.name, field.type, field.required, field.default, _repeated(field.type))


def _repeated(kind: Any) -> bool:
    kind = plain(kind)
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return any(_repeated(a) for a in get_args(kind))
    return (origin or kind) in SEQUENCES


def _has_version(kind: Any) -> bool:
    """Whether every answer of this type has an attribute `version` that is a number or a text."""
    if not is_message(kind):
        return False
    info = mi.type_info(kind)
    if isinstance(info, mi.StructType | mi.DataclassType):
        return any(f.name == "version" and isinstance(f.type, mi.IntType | mi.StrType) for f in info.fields)
    field = getattr(kind, "model_fields", {}).get("version")  # a pydantic model
    return field is not None and field.annotation in (int, str)
