"""What an author writes: `Contract` and the decorators of its operations.

    class Wallet(Contract, Protocol, version="1.0", publishes=[WalletDebited]):
        \"\"\"Money held for a customer.\"\"\"

        @command(http="POST /wallets/{owner}/debits", raises=[InsufficientFunds])
        async def debit(self, owner: UUID, cents: int) -> Balance: ...

        @query(http="GET /wallets/{owner}")
        async def balance(self, owner: UUID) -> Balance: ...

        @query()
        def history(self, owner: UUID) -> AsyncIterator[Entry]: ...       # streaming: a plain def

The decorators only leave a mark on the function: what a type checker sees is the method as written. `describe`
(operation.py) turns marks and annotations into something that can be served.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import msgspec

from ..core.policy import Policy
from .errors import ContractError, DomainError
from .message import Event

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_TIMEOUT_SECONDS = 10.0
DEFAULT_STREAM_TIMEOUT_SECONDS = 3600.0

MARK = "__calve_operation__"
_VERSION = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})")


class OperationMark(msgspec.Struct, frozen=True):
    """What a decorator was told; see `command` for the meaning."""

    kind: Literal["command", "query"]
    http: str | None
    raises: tuple[type[DomainError], ...]
    role: str | None
    timeout_seconds: float | None
    status: int | None
    idempotent: bool = False
    policy: Policy | None = None


class Contract(Protocol):
    """Base of all contracts. A contract lists `Protocol` among its bases; a class that does not implements one."""

    __contract_version__: ClassVar[str] = ""
    publishes: ClassVar[Sequence[type[Event]]] = ()
    """Events that the service behind this contract may publish."""

    __contract_policy__: ClassVar[Policy | None] = None
    """For calls of all its operations, as far as they say nothing themselves."""

    def __init_subclass__(
        cls,
        *,
        version: str | None = None,
        publishes: Sequence[type[Event]] = (),
        policy: Policy | None = None,
        **kwargs: Any,
    ) -> None:
        # `publishes` is a class argument because type checkers want every attribute of a protocol annotated in full.
        super().__init_subclass__(**kwargs)
        if publishes:
            cls.publishes = tuple(publishes)
        where = f"{cls.__module__}.{cls.__qualname__}"
        if Protocol in cls.__bases__:
            if version is None or not _VERSION.fullmatch(version):
                raise ContractError(
                    f"contract version is {version!r}, not 'major.minor'",
                    where=where,
                    fix=f'write class {cls.__name__}(Contract, Protocol, version="1.0")',
                )
            cls.__contract_version__ = version
            cls.__contract_policy__ = policy
        elif version is not None or policy is not None:
            own = "version" if version is not None else "policy"
            raise ContractError(
                f"an implementation has no {own} of its own",
                where=where,
                fix=f"drop {own}=, or list Protocol among the bases to declare a contract",
            )


def command(
    *,
    http: str | None = None,
    raises: Sequence[type[DomainError]] = (),
    role: str | None = None,
    timeout_seconds: float | None = None,
    status: int | None = None,
    idempotent: bool = False,
    policy: Policy | None = None,
) -> Callable[[F], F]:
    """Mark a method of a contract as an operation that changes state.

    Args:
        http: `"POST /path/{param}"` to show it on REST (POST, PUT, PATCH or DELETE); None keeps it off REST.
        raises: Every DomainError it may answer with.
        role: Role the principal must have; None lets everybody in.
        timeout_seconds: Longest time for one call; 10 s, or an hour for a streaming operation.
        status: HTTP status of a good answer; 200, or 204 when it returns None.
        idempotent: Running it again with the same arguments has no further effect, by its own doing: a repeat runs, and
            nothing is remembered under its idempotency key.
        policy: What callers do when calls fail; what it does not say is the contract's, calve.toml's or the default.
    """
    return _mark("command", http, raises, role, timeout_seconds, status, idempotent, policy)


def query(
    *,
    http: str | None = None,
    raises: Sequence[type[DomainError]] = (),
    role: str | None = None,
    timeout_seconds: float | None = None,
    status: int | None = None,
    policy: Policy | None = None,
) -> Callable[[F], F]:
    """Mark a method of a contract as a safe operation: it changes nothing and may be repeated at will.

    Args: as for `command`; `http` must be a GET.
    """
    return _mark("query", http, raises, role, timeout_seconds, status, True, policy)


def _mark(
    kind: Literal["command", "query"],
    http: str | None,
    raises: Sequence[type[DomainError]],
    role: str | None,
    timeout_seconds: float | None,
    status: int | None,
    idempotent: bool,
    policy: Policy | None,
) -> Callable[[F], F]:
    mark = OperationMark(kind, http, tuple(raises), role, timeout_seconds, status, idempotent, policy)

    def decorate(method: F) -> F:
        setattr(method, MARK, mark)
        return method

    return decorate
