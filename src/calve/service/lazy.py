"""`calve.stub(Wallet)`: a stub for code that is no service and so gets nothing injected.

It may be made anywhere, when a module is imported too: which unit it calls is looked up at each call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from ..contract import describe
from ..core.errors import ConfigError
from ..core.unit import RunningUnit, current_unit

T = TypeVar("T")


def stub(contract: Callable[..., T]) -> T:
    """A stub of a contract, for an application that Calve has adopted: `wallet = calve.stub(Wallet)`.

    Its methods are awaited on the unit's event loop, as those of an injected stub are; they raise ConfigError where no
    unit runs. From threads, and outside of units, `calve.sync` makes calls.

    Raises: ContractError: it is no contract.
    """
    # A callable to type checkers, because they refuse a protocol class, which has no instances, for `type[T]`.
    return cast(T, _LazyStub(cast("type[Any]", contract)))


def unit_here(contract: type[Any]) -> RunningUnit:
    """The unit that a call of a contract goes through. Raises ConfigError when there is none."""
    unit = current_unit()
    if unit is None:
        raise ConfigError(
            f"{contract.__name__} is called where no unit runs",
            fix=f"run this as a service of a unit, or use calve.sync.client({contract.__name__})",
        )
    return unit


class _LazyStub:
    def __init__(self, contract: type[Any]) -> None:
        self._contract, self._operations = contract, describe(contract).operations

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in self._operations:
            raise AttributeError(f"{self._contract.__name__} has no operation {name!r}")
        contract = self._contract

        def call(*args: Any, **kwargs: Any) -> Any:
            return getattr(unit_here(contract).stub(contract), name)(*args, **kwargs)

        return call

    def __dir__(self) -> list[str]:
        return sorted(self._operations)

    def __repr__(self) -> str:
        return f"<stub of {self._contract.__name__}>"
