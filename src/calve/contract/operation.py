"""A contract, resolved: every operation with its types compiled and its rules checked.

`describe(Wallet)` is computed once per contract class and kept on it. All faults of a contract show here, before start:
missing annotations, types that cannot be carried, HTTP rules that name no parameter, untagged unions.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol, get_args, get_origin, get_type_hints

import msgspec

from ..core.codec import Codec
from ..core.policy import Policy
from .base import DEFAULT_STREAM_TIMEOUT_SECONDS, DEFAULT_TIMEOUT_SECONDS, MARK, Contract, OperationMark
from .constraints import ignored_constraints
from .errors import ContractError, DomainError
from .http import HttpRule, parse_rule
from .kinds import is_message as is_message
from .kinds import is_textual
from .message import Event
from .policies import operation_policy

_VERSION = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})")


class Version(NamedTuple):
    """`major.minor`; equal majors can talk."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read `1.0`. Raises ValueError for anything else."""
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ValueError(f"version {text!r} is not 'major.minor'")
        return cls(int(match[1]), int(match[2]))

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
    idempotent: bool = False
    """Whether a repeat may simply run: a query, or a command that says so."""
    policy: Policy = Policy()
    """What the contract says of its calls, time limit included."""
    contract_doc: str = ""
    """Docstring of the contract, for documents made from operations alone."""

    @property
    def key(self) -> str:
        """Identity on the wire: `Wallet/1.0/debit`."""
        return f"{self.contract}/{self.version}/{self.name}"

    @property
    def deduplicated(self) -> bool:
        """Whether a repeat under the same idempotency key gets the first answer. A stream cannot be kept."""
        return not (self.idempotent or self.streaming)

    @property
    def params(self) -> tuple[str, ...]:
        """Names of the parameters, in order; the keyword-only ones last."""
        return self.request.__struct_fields__

    @property
    def positional(self) -> tuple[str, ...]:
        """Names of the parameters that may be given by position."""
        return self.request.__match_args__


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
            elif inspect.isfunction(member) and is_contract(base) and not name.startswith("_"):
                raise ContractError(
                    "a method without @command or @query", where=f"{where}.{name}", fix="say which of both it is"
                )
    if not operations and not cls.publishes:
        raise ContractError("a contract without operations", where=where, fix="add a @command or a @query")
    doc = inspect.cleandoc(cls.__doc__ or "") if "__doc__" in cls.__dict__ else ""
    version = Version.parse(cls.__contract_version__)
    _check_events(cls.publishes, where)
    info = ContractInfo(cls, cls.__name__, version, doc, operations, tuple(cls.publishes))
    cls.__calve_info__ = info
    return info


def _check_events(events: Sequence[Any], where: str) -> None:
    names: set[str] = set()
    for event in events:
        if not (isinstance(event, type) and issubclass(event, Event)):
            raise ContractError(f"publishes {event!r}, which is no Event", where=where)
        if event.__name__ in names:
            raise ContractError(f"publishes two events named {event.__name__}", where=where, fix="rename one of them")
        names.add(event.__name__)
        _codec(event, f"{where} publishes {event.__name__}")


def _operation(cls: type[Contract], name: str, method: Callable[..., Any], mark: OperationMark) -> Operation:
    where = f"{cls.__module__}.{cls.__qualname__}.{name}"
    _check_mark(mark, where)
    hints = _hints(method, where)
    streaming, answer = _answer(method, hints, where)
    request = _request(f"{cls.__name__}_{name}", method, hints, where)
    fields = msgspec.structs.fields(request)
    rule = None
    status = mark.status or (204 if answer is None or answer is type(None) else 200)
    if mark.http is not None:
        rule = parse_rule(mark.http, kind=mark.kind, status=status, where=where)
        _check_rule(rule, {f.name: f.type for f in fields}, where)
    default = DEFAULT_STREAM_TIMEOUT_SECONDS if streaming else DEFAULT_TIMEOUT_SECONDS
    policy = operation_policy(mark, cls.__contract_policy__, where)
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
        timeout_seconds=default if policy.timeout_seconds is None else policy.timeout_seconds,
        http=rule,
        request_codec=_codec(request, where),
        response_codec=_codec(answer, f"{where} -> answer"),
        body_param=_body_param(rule, fields) if rule else None,
        errors_by_name={e.__name__: (e, _codec(e.fields_type(), f"{where} raises {e.__name__}")) for e in mark.raises},
        idempotent=mark.idempotent,
        policy=policy,
        contract_doc=inspect.cleandoc(cls.__doc__ or "") if "__doc__" in cls.__dict__ else "",
    )


def _check_mark(mark: OperationMark, where: str) -> None:
    names: set[str] = set()
    for error in mark.raises:
        if not (isinstance(error, type) and issubclass(error, DomainError)):
            raise ContractError(f"raises {error!r}, which is no DomainError", where=where)
        if error.__name__ in names:
            raise ContractError(f"raises two errors named {error.__name__}", where=where, fix="rename one of them")
        if not 400 <= error.status <= 499:
            raise ContractError(f"status of {error.__name__} is {error.status}, not 400 to 499", where=where)
        names.add(error.__name__)
    if mark.timeout_seconds is not None and not 0 < mark.timeout_seconds < float("inf"):
        raise ContractError(f"timeout_seconds is {mark.timeout_seconds}, not a positive number", where=where)
    if mark.status is not None and not 200 <= mark.status <= 299:
        raise ContractError(
            f"status of a good answer is {mark.status}, not 200 to 299",
            where=where,
            fix="raise a DomainError for others",
        )


def _hints(method: Callable[..., Any], where: str) -> dict[str, Any]:
    try:
        return get_type_hints(method, include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise ContractError(
            f"annotation cannot be resolved: {error}", where=where, fix="import the type outside TYPE_CHECKING"
        ) from error


def _request(name: str, method: Callable[..., Any], hints: dict[str, Any], where: str) -> type[msgspec.Struct]:
    """The parameters as a Struct that is constructed the way the method is called."""
    plain: list[Any] = []
    keywords: list[Any] = []
    for param in list(inspect.signature(method).parameters.values())[1:]:
        if param.kind in (param.VAR_POSITIONAL, param.VAR_KEYWORD, param.POSITIONAL_ONLY):
            raise ContractError(f"parameter {param} has no name to send", where=where, fix="use plain parameters")
        if param.name not in hints:
            raise ContractError(f"parameter {param.name!r} has no annotation", where=where)
        if isinstance(param.default, list | dict | set | bytearray):
            raise ContractError(
                f"parameter {param.name!r} has a mutable default", where=where, fix="use a tuple or None"
            )
        default = () if param.default is param.empty else (param.default,)
        (keywords if param.kind is param.KEYWORD_ONLY else plain).append((param.name, hints[param.name], *default))
    try:
        request = msgspec.defstruct(name, plain, frozen=True, module=method.__module__)
        if keywords:
            request = msgspec.defstruct(name, keywords, bases=(request,), kw_only=True, module=method.__module__)
    except (TypeError, ValueError) as error:
        raise ContractError(f"parameters cannot be carried: {error}", where=where) from error
    return request


def _answer(method: Callable[..., Any], hints: dict[str, Any], where: str) -> tuple[bool, Any]:
    if "return" not in hints:
        raise ContractError("no return annotation", where=where, fix="annotate the answer, or -> None")
    answer = hints["return"]
    shape = get_origin(answer) or answer
    streaming, items = shape in (AsyncIterator, AsyncGenerator), get_args(answer)
    if shape is AsyncIterable or (streaming and not items):
        raise ContractError(f"answer {answer} is not AsyncIterator[T]", where=where, fix="name the type of one item")
    if streaming and items[1:] not in ((), (None,), (type(None),)):
        fix = "write AsyncGenerator[T, None]: nothing is sent into a stream"
        raise ContractError(f"answer {answer} takes values", where=where, fix=fix)
    if streaming and inspect.iscoroutinefunction(method):
        raise ContractError(
            "a streaming operation returns its iterator at once", where=where, fix="declare it with def, not async def"
        )
    if not streaming and not inspect.iscoroutinefunction(method):
        raise ContractError(
            "an operation that is not async",
            where=where,
            fix="declare it with async def, or let it return AsyncIterator[T]",
        )
    return streaming, items[0] if streaming else answer


def _codec(kind: Any, where: str) -> Codec[Any]:
    for constraint in ignored_constraints(kind):
        raise ContractError(
            f"{constraint} is not checked: messages do not read annotated-types",
            where=where,
            fix="write msgspec's, such as Meta(ge=0)",
        )
    try:
        return Codec(kind)
    except TypeError as error:
        hint = "give the messages of a union a tag: class Card(Message, tag=True)" if "union" in str(error) else None
        raise ContractError(f"cannot be carried: {error}", where=where, fix=hint) from error


def _check_rule(rule: HttpRule, fields: dict[str, Any], where: str) -> None:
    for name in rule.path_params:
        if name not in fields:
            raise ContractError(
                f"http path names {{{name}}}, which is no parameter",
                where=where,
                fix=f"parameters are: {', '.join(fields)}",
            )
    for name, kind in fields.items():
        in_path = name in rule.path_params
        if (in_path or rule.method in ("GET", "DELETE")) and not is_textual(kind, sequences=not in_path):
            place = "path" if in_path else "query string"
            raise ContractError(
                f"parameter {name!r} of type {kind} cannot be written in a {place}",
                where=where,
                fix="use a scalar there, or a method with a body",
            )


def _body_param(rule: HttpRule, fields: Sequence[msgspec.structs.FieldInfo]) -> str | None:
    rest = [f for f in fields if f.name not in rule.path_params]
    if rule.method in ("GET", "DELETE") or len(rest) != 1 or not is_message(rest[0].type):
        return None
    return rest[0].name
