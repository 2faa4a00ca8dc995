"""The application of the divergence tests: a service that gives back what it gets, and fails in every way there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Protocol
from uuid import UUID

from divergence_types import (
    Address,
    AlsoDeclared,
    Choice,
    Colour,
    Declared,
    Everything,
    Kind,
    Level,
    Line,
    Node,
    Pair,
    PartialSize,
    Payment,
    Profile,
    Size,
    Text,
    Undeclared,
    UserId,
)

from calve import UNSET, Contract, Meta, Unset, command, current_call, query
from calve.core import errors


class Echo(Contract, Protocol, version="1.0"):
    """Gives back what it gets."""

    # values: one operation per type, named after it

    @query()
    async def text(self, value: str) -> str: ...
    @query()
    async def number(self, value: int) -> int: ...
    @query()
    async def ratio(self, value: float) -> float: ...
    @query()
    async def flag(self, value: bool) -> bool: ...
    @query()
    async def data(self, value: bytes) -> bytes: ...
    @query(http="GET /moments/{value}")
    async def moment(self, value: datetime) -> datetime: ...
    @query()
    async def day(self, value: date) -> date: ...
    @query()
    async def hour(self, value: time) -> time: ...
    @query()
    async def span(self, value: timedelta) -> timedelta: ...
    @query()
    async def uid(self, value: UUID) -> UUID: ...
    @query()
    async def price(self, value: Decimal) -> Decimal: ...
    @query()
    async def colour(self, value: Colour) -> Colour: ...
    @query()
    async def level(self, value: Level) -> Level: ...
    @query()
    async def kind(self, value: Kind) -> Kind: ...
    @query()
    async def choice(self, value: Choice) -> Choice: ...
    @query()
    async def items(self, value: list[int]) -> list[int]: ...
    @query()
    async def pair(self, value: tuple[int, str]) -> tuple[int, str]: ...
    @query()
    async def many(self, value: tuple[int, ...]) -> tuple[int, ...]: ...
    @query()
    async def bag(self, value: set[int]) -> set[int]: ...
    @query()
    async def frozen(self, value: frozenset[str]) -> frozenset[str]: ...
    @query()
    async def table(self, value: dict[str, int]) -> dict[str, int]: ...
    @query()
    async def keyed(self, value: dict[int, str]) -> dict[int, str]: ...
    @query()
    async def payment(self, value: Payment) -> Payment: ...
    @query()
    async def maybe(self, value: int | None) -> int | None: ...
    @query()
    async def either(self, value: int | str | list[int]) -> int | str | list[int]: ...
    @query()
    async def profile(self, value: Profile) -> Profile: ...
    @query()
    async def node(self, value: Node) -> Node: ...
    @query()
    async def line(self, value: Line) -> Line: ...
    @query()
    async def size(self, value: Size) -> Size: ...
    @query()
    async def partial_size(self, value: PartialSize) -> PartialSize: ...
    @query()
    async def both(self, value: Pair) -> Pair: ...
    @query()
    async def address(self, value: Address) -> Address: ...
    @query()
    async def user(self, value: UserId) -> UserId: ...
    @query()
    async def short(self, value: Text) -> Text: ...
    @query()
    async def small(self, value: Annotated[int, Meta(ge=0, lt=10)]) -> int: ...
    @query()
    async def anything(self, value: Any) -> Any: ...
    @query()
    async def everything(self, value: Everything) -> Everything: ...
    @query()
    async def nothing(self) -> None: ...

    @query()
    async def arguments(
        self, first: int, second: str = "b", *, third: float | None = None, fourth: str | Unset = UNSET
    ) -> tuple[int, str, float | None, bool]:
        """All arguments; the last says whether `fourth` was given."""
        ...

    @query()
    async def seen(self) -> str:
        """How the last value that was given looked to the implementation."""
        ...

    # sharing

    @command()
    async def spoil(self, rows: list[int], again: list[int]) -> bool:
        """Change the arguments; say whether they were one object."""
        ...

    @query()
    async def state(self) -> list[int]:
        """A list that the implementation keeps."""
        ...

    # failures

    @command(raises=[Declared, AlsoDeclared])
    async def fail(self, how: str) -> int:
        """Fail; see `FAILURES`."""
        ...

    @query()
    async def wrong(self, how: str) -> int:
        """Answer with what is no int; see `WRONG`."""
        ...

    @query(http="GET /fits/{how}")
    async def fits(self, how: str) -> Annotated[int, Meta(ge=0)]:
        """Answer with what may not fit; see `WRONG`."""
        ...

    # calls

    @command(role="echo:write")
    async def guarded(self) -> str: ...
    @query()
    async def who(self) -> tuple[str | None, frozenset[str]]: ...
    @command()
    async def key(self) -> str: ...
    @query()
    async def trace(self) -> str: ...
    @query()
    async def remaining(self) -> float | None:
        """Seconds until the deadline, None without one."""
        ...

    @query()
    async def hang(self, rows: list[int] | None = None) -> None: ...
    @command(timeout_seconds=0.2)
    async def hurry(self) -> None: ...
    @query()
    async def large(self, size: int) -> bytes:
        """So many bytes."""
        ...

    @query()
    async def events(self) -> tuple[str, ...]:
        """What the implementation noticed since `forget`."""
        ...

    @command()
    async def forget(self) -> None: ...

    # streams

    @query(raises=[Declared])
    def count(self, upto: int, end: str = "") -> AsyncIterator[int]:
        """Numbers from 0; then `end`: nothing, `hang`, or one of `FAILURES`."""
        ...

    @query()
    def lists(self, rows: list[int], times: int) -> AsyncIterator[list[int]]:
        """The same list again and again, one longer each time."""
        ...

    @query()
    def wrong_items(self) -> AsyncIterator[int]: ...
    @query(role="echo:write")
    def guarded_stream(self) -> AsyncIterator[str]: ...


FAILURES: dict[str, Callable[[], BaseException]] = {
    "declared": lambda: Declared(text="grüße", number=7, rows=(1, 2), when=datetime(2026, 1, 2)),
    "also_declared": AlsoDeclared,
    "undeclared": Undeclared,
    "malformed": lambda: Declared(text=5),  # type: ignore[arg-type]
    "value_error": lambda: ValueError("secret"),
    "key_error": lambda: KeyError("secret"),
    "timeout": lambda: TimeoutError("secret"),
    "stray_cancellation": lambda: asyncio.CancelledError("secret"),
    "stop_iteration": lambda: StopAsyncIteration("secret"),
    "group": lambda: ExceptionGroup("secret", [ValueError("secret")]),
    "recursion": lambda: RecursionError("secret"),
    "invalid": lambda: errors.InvalidArgument("not in stock", field="$.items[1].sku"),
    "invalid_later": lambda: errors.InvalidArgument("not any more", may_have_run=True),
    "unavailable": lambda: errors.Unavailable("try later"),
    "unavailable_before": lambda: errors.Unavailable("did nothing", may_have_run=False),
    "overloaded": lambda: errors.Overloaded("too many"),
    "denied": lambda: errors.PermissionDenied("not yours"),
    "unauthenticated": lambda: errors.Unauthenticated("who are you"),
    "unknown": lambda: errors.UnknownOperation("no such thing"),
    "cancelled": lambda: errors.Cancelled("stopped"),
    "internal": lambda: errors.InternalError("broken"),
    "deadline": lambda: errors.DeadlineExceeded("took too long"),
    "config": lambda: errors.ConfigError("secret"),
    "store": lambda: errors.StoreError("secret"),
    "protocol": lambda: errors.ProtocolError("secret"),
}

WRONG: dict[str, Any] = {
    "text": "5",
    "none": None,
    "flag": True,
    "ratio": 1.5,
    "big": 2**64,
    "object": object(),
    "negative": -1,
}


class EchoService(Echo):
    """Keeps what it saw."""

    def __init__(self) -> None:
        self._seen, self._rows, self._events = "", [1, 2], list[str]()

    def _note(self, value: Any) -> Any:
        self._seen = f"{type(value).__name__} {value!r}"
        return value

    async def arguments(
        self, first: int, second: str = "b", *, third: float | None = None, fourth: str | Unset = UNSET
    ) -> tuple[int, str, float | None, bool]:
        return first, second, third, fourth is not UNSET

    async def nothing(self) -> None:
        return None

    async def seen(self) -> str:
        return self._seen

    async def spoil(self, rows: list[int], again: list[int]) -> bool:
        rows.append(99)
        return rows is again

    async def state(self) -> list[int]:
        return self._rows

    async def fail(self, how: str) -> int:
        raise FAILURES[how]()

    async def wrong(self, how: str) -> int:
        return WRONG[how]  # type: ignore[no-any-return]

    async def fits(self, how: str) -> int:
        return WRONG[how]  # type: ignore[no-any-return]

    async def guarded(self) -> str:
        return "done"

    async def who(self) -> tuple[str | None, frozenset[str]]:
        call = current_call()
        assert call is not None
        return (call.principal.subject, call.principal.roles) if call.principal else (None, frozenset())

    async def key(self) -> str:
        call = current_call()
        assert call is not None
        return call.idempotency_key

    async def trace(self) -> str:
        call = current_call()
        assert call is not None
        return f"{call.trace.trace_id:032x}"

    async def remaining(self) -> float | None:
        call = current_call()
        assert call is not None
        return call.deadline - asyncio.get_running_loop().time()

    async def hang(self, rows: list[int] | None = None) -> None:
        self._events.append("hanging" if rows is None else f"hanging with {rows}")
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self._events.append("cancelled")
            raise

    async def hurry(self) -> None:
        await self.hang()

    async def large(self, size: int) -> bytes:
        return b"x" * size

    async def events(self) -> tuple[str, ...]:
        return tuple(self._events)

    async def forget(self) -> None:
        self._events.clear()

    async def count(self, upto: int, end: str = "") -> AsyncIterator[int]:
        try:
            for number in range(upto):
                yield number
            if end == "hang":
                await asyncio.get_running_loop().create_future()
            if end:
                raise FAILURES[end]()
        finally:
            self._events.append("closed")

    async def lists(self, rows: list[int], times: int) -> AsyncIterator[list[int]]:
        for number in range(times):
            rows.append(number)
            yield rows

    async def wrong_items(self) -> AsyncIterator[int]:
        yield 1
        yield WRONG["text"]

    async def guarded_stream(self) -> AsyncIterator[str]:
        yield "done"


def _giving_back(name: str) -> Any:
    async def give_back(self: EchoService, value: Any) -> Any:
        return self._note(value)

    give_back.__name__ = name
    return give_back


VALUES = [
    name for name, member in vars(Echo).items() if getattr(member, "__annotations__", {}).keys() == {"value", "return"}
]
for _name in VALUES:
    setattr(EchoService, _name, _giving_back(_name))
