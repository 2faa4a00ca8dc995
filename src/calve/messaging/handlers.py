"""Which events a service handles: `@on(Event)` on a method of its implementation.

    @on(WalletDebited)
    async def note_debit(self, event: WalletDebited, tx: Transaction) -> None:
        await tx.execute("INSERT …")

`tx` is a transaction of the service's own store that also says that the event is handled. So what the method does with
it happens exactly once, however often the event arrives; what it does elsewhere happens at least once.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple, TypeVar

from ..contract import Event
from ..core.codec import Codec
from ..core.errors import ConfigError
from ..store import Transaction

E = TypeVar("E", bound=Event)
Method = Callable[[Any, E, Transaction], Awaitable[None]]

_MARK = "__calve_on__"


class Handler(NamedTuple):
    """What handles one sort of event."""

    name: str
    """`service.method`."""
    event: type[Event]
    codec: Codec[Any]
    run: Callable[[Any, Transaction], Awaitable[None]]


def on(event: type[E]) -> Callable[[Method[E]], Method[E]]:
    """Let a method of a service handle the events of a type, one after another for each key.

    Args:
        event: A class from the contract of the service that publishes it.
    """

    def mark(method: Method[E]) -> Method[E]:
        setattr(method, _MARK, event)
        return method

    return mark


def declared_handlers(cls: type[Any]) -> Iterator[tuple[str, type[Event]]]:
    """Names of the methods of an implementation that handle events, and which.

    Raises: ConfigError: a method that cannot, or two for one type of event.
    """
    where = f"{cls.__module__}.{cls.__qualname__}"
    found: dict[type[Event], str] = {}
    for name, method in inspect.getmembers(cls, inspect.isfunction):
        event = getattr(method, _MARK, None)
        if event is None:
            continue
        if not (isinstance(event, type) and issubclass(event, Event)):
            raise ConfigError(f"@on({event!r}) names no Event", where=f"{where}.{name}")
        if not inspect.iscoroutinefunction(method) or not _takes_two(method):
            raise ConfigError(
                f"{name!r} handles {event.__name__}, but is not `async def {name}(self, event, tx)`",
                where=where,
                fix="declare it so",
            )
        if event in found:
            raise ConfigError(
                f"{found[event]!r} and {name!r} both handle {event.__name__}",
                where=where,
                fix="let one method do both: they would share a transaction anyway",
            )
        found[event] = name
        yield name, event


def _takes_two(method: Callable[..., Any]) -> bool:
    try:
        inspect.signature(method).bind(None, None, None)
    except TypeError:
        return False
    return True


def handlers_of(service: str, instance: Any) -> list[Handler]:
    """The handlers of a service. Raises ConfigError as `declared_handlers`."""
    return [
        Handler(f"{service}.{name}", event, Codec(event), getattr(instance, name))
        for name, event in declared_handlers(type(instance))
    ]
