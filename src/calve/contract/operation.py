"""A contract, resolved: every operation with its types compiled and its rules checked.

`describe(Wallet)` is computed once per contract class and kept on it. All faults of a contract show here, before start:
missing annotations, types that cannot be carried, HTTP rules that name no parameter, untagged unions.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Literal, NamedTuple, Protocol, Union, get_args, get_origin, get_type_hints

import msgspec

from ..core.codec import Codec
from .base import DEFAULT_STREAM_TIMEOUT_SECONDS, DEFAULT_TIMEOUT_SECONDS, MARK, Contract, OperationMark
from .errors import ContractError, DomainError
from .http import HttpRule, parse_rule
from .message import Event


class Version(NamedTuple):
    """`major.minor`; equal majors can talk."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read `1.0`. Raises ValueError for anything else."""
        major, minor = text.split(".")
        return cls(int(major), int(minor))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


class Operation(msgspec.Struct, frozen=True, eq=False):
    """One operation of a contract, ready to be called, served and documented."""

    contract: str
    """Name of the contract class, such as `Wallet`."""
    version: Version
    name: str
    kind: Literal["command", "query"]
    doc: str
    request: type[msgspec.Struct]
    """One field per parameter, in order; made from the signature."""
    response: Any
    """Annotated answer, or the type of the items when streaming."""
    streaming: bool
    raises: tuple[type[DomainError], ...]
    role: str | None
    timeout_seconds: float
    http: HttpRule | None
    request_codec: Codec[Any]
    response_codec: Codec[Any]
    body_param: str | None
    """The parameter that is the whole HTTP body, if one is."""
    errors_by_name: dict[str, tuple[type[DomainError], Codec[Any]]]

    @property
    def key(self) -> str:
        """Identity on the wire: `Wallet/1.0/debit`."""
        return f"{self.contract}/{self.version}/{self.name}"

    @property
    def params(self) -> tuple[str, ...]:
        """Names of the parameters, in order."""
        return self.request.__struct_fields__


class ContractInfo(NamedTuple):
    """A contract, resolved."""

    cls: type[Contract]
    name: str
    version: Version
    doc: str
    operations: dict[str, Operation]
    publishes: tuple[type[Event], ...]


def is_contract(cls: Any) -> bool:
    """Whether `cls` is a contract (not `Contract` itself and not an implementation)."""
    return isinstance(cls, type) and cls is not Contract and issubclass_contract(cls) and Protocol in cls.__bases__


def issubclass_contract(cls: type) -> bool:
    """`issubclass(cls, Contract)` without the structural check that protocols add."""
    return Contract in cls.__mro__


def describe(cls: type[Any]) -> ContractInfo:
    """Resolve a contract class.

    Returns: the same object for the same class.
    Raises: ContractError: names the operation and the parameter at fault.
    """
    known: ContractInfo | None = cls.__dict__.get("__calve_info__")
    if known is not None:
        return known
    where = f"{cls.__module__}.{cls.__qualname__}"
    if not is_contract(cls):
        raise ContractError("not a contract", where=where, fix="give it the bases Contract and Protocol")
    operations: dict[str, Operation] = {}
    for base in reversed(cls.__mro__):
        for name, member in vars(base).items():
            mark = getattr(member, MARK, None)
            if isinstance(mark, OperationMark):
                operations[name] = _operation(cls, name, member, mark)
            elif inspect.iscoroutinefunction(member) and is_contract(base) and not name.startswith("_"):
                raise ContractError(
                    "a method without @command or @query", where=f"{where}.{name}", fix="say which of both it is"
                )
    if not operations and not cls.publishes:
        raise ContractError("a contract without operations", where=where, fix="add a @command or a @query")
    doc = inspect.cleandoc(cls.__doc__ or "") if "__doc__" in cls.__dict__ else ""
    version = Version.parse(cls.__contract_version__)
    info = ContractInfo(cls, cls.__name__, version, doc, operations, tuple(cls.publishes))
    cls.__calve_info__ = info
    return info


def _operation(cls: type[Contract], name: str, method: Callable[..., Any], mark: OperationMark) -> Operation:
    where = f"{cls.__module__}.{cls.__qualname__}.{name}"
    try:
        hints = get_type_hints(method, include_extras=True)
    except NameError as error:
        raise ContractError(
            f"annotation cannot be resolved: {error}", where=where, fix="import the type outside TYPE_CHECKING"
        ) from error
    fields = _fields(method, hints, where)
    streaming, answer = _answer(method, hints, where)
    request = msgspec.defstruct(f"{cls.__name__}_{name}", fields, frozen=True, module=cls.__module__)
    rule = None
    status = mark.status or (204 if answer is None or answer is type(None) else 200)
    if mark.http is not None:
        rule = parse_rule(mark.http, kind=mark.kind, status=status, where=where)
        _check_rule(rule, dict((f[0], f[1]) for f in fields), where)
    default = DEFAULT_STREAM_TIMEOUT_SECONDS if streaming else DEFAULT_TIMEOUT_SECONDS
    return Operation(
        contract=cls.__name__,
        version=Version.parse(cls.__contract_version__),
        name=name,
        kind=mark.kind,
        doc=inspect.getdoc(method) or "",
        request=request,
        response=answer,
        streaming=streaming,
        raises=mark.raises,
        role=mark.role,
        timeout_seconds=default if mark.timeout_seconds is None else mark.timeout_seconds,
        http=rule,
        request_codec=_codec(request, where),
        response_codec=_codec(answer, f"{where} -> answer"),
        body_param=_body_param(rule, fields) if rule else None,
        errors_by_name={e.__name__: (e, _codec(e.fields_type(), f"{where} raises {e.__name__}")) for e in mark.raises},
    )


def _fields(method: Callable[..., Any], hints: dict[str, Any], where: str) -> list[tuple[str, Any] | tuple[str, Any, Any]]:
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for param in list(inspect.signature(method).parameters.values())[1:]:
        if param.kind in (param.VAR_POSITIONAL, param.VAR_KEYWORD, param.POSITIONAL_ONLY):
            raise ContractError(f"parameter {param} has no name to send", where=where, fix="use plain parameters")
        if param.name not in hints:
            raise ContractError(f"parameter {param.name!r} has no annotation", where=where)
        if param.default is param.empty:
            fields.append((param.name, hints[param.name]))
        elif isinstance(param.default, list | dict | set):
            raise ContractError(f"parameter {param.name!r} has a mutable default", where=where, fix="use a tuple or None")
        else:
            fields.append((param.name, hints[param.name], param.default))
    return fields


def _answer(method: Callable[..., Any], hints: dict[str, Any], where: str) -> tuple[bool, Any]:
    if "return" not in hints:
        raise ContractError("no return annotation", where=where, fix="annotate the answer, or -> None")
    answer = hints["return"]
    streaming = get_origin(answer) is AsyncIterator
    if streaming and inspect.iscoroutinefunction(method):
        raise ContractError(
            "a streaming operation returns its iterator at once", where=where, fix="declare it with def, not async def"
        )
    if not streaming and not inspect.iscoroutinefunction(method):
        raise ContractError("an operation that is not async", where=where, fix="declare it with async def")
    return streaming, get_args(answer)[0] if streaming else answer


def _codec(kind: Any, where: str) -> Codec[Any]:
    try:
        return Codec(kind)
    except TypeError as error:
        hint = "give the messages of a union a tag: class Card(Message, tag=True)" if "union" in str(error) else None
        raise ContractError(f"cannot be carried: {error}", where=where, fix=hint) from error


def _check_rule(rule: HttpRule, fields: dict[str, Any], where: str) -> None:
    for name in rule.path_params:
        if name not in fields:
            raise ContractError(
                f"http path names {{{name}}}, which is no parameter", where=where, fix=f"parameters are: {', '.join(fields)}"
            )
    for name, kind in fields.items():
        if (name in rule.path_params or rule.method in ("GET", "DELETE")) and not _textual(kind, name in rule.path_params):
            place = "path" if name in rule.path_params else "query string"
            raise ContractError(
                f"parameter {name!r} of type {kind} cannot be written in a {place}",
                where=where,
                fix="use a scalar there, or a method with a body",
            )


def _textual(kind: Any, in_path: bool) -> bool:
    """Whether a parameter can be written as text in a URL: a scalar, or in a query string a sequence of scalars."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _textual(get_args(kind)[0], in_path)
    if origin in (Union, types.UnionType):
        return all(a is type(None) or a is msgspec.UnsetType or _textual(a, in_path) for a in get_args(kind))
    if origin in (list, tuple, set, frozenset):
        return not in_path and all(a is Ellipsis or _textual(a, True) for a in get_args(kind))
    if origin is Literal:
        return True
    return isinstance(kind, type) and not is_message(kind) and kind not in (dict, list, tuple, set, frozenset, bytes)


def is_message(kind: Any) -> bool:
    """Whether a type is an object with named fields: Struct, dataclass, TypedDict or pydantic model."""
    return isinstance(kind, type) and (
        issubclass(kind, msgspec.Struct) or hasattr(kind, "__dataclass_fields__") or hasattr(kind, "model_validate")
    )


def _body_param(rule: HttpRule, fields: list[Any]) -> str | None:
    rest = [f for f in fields if f[0] not in rule.path_params]
    if rule.method in ("GET", "DELETE") or len(rest) != 1 or not is_message(rest[0][1]):
        return None
    return str(rest[0][0])
