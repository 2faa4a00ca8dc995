"""The client of one contract: what its methods are, and where a call goes.

A type checker cannot be told "the methods of this protocol without their `async`": types know no such operation. So
there are two ways to call. `wallet.balance(owner)` reads best and is unchecked, its answer is `Any`;
`wallet(Wallet.balance, owner)` is checked like a call of the contract itself: `Concatenate` takes `self` off the
method, and its parameters and its answer are those of the contract.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from ..contract import ContractInfo, describe
from ..core.suggest import did_you_mean
from ..core.unit import RunningUnit

C = TypeVar("C")
P = ParamSpec("P")
T = TypeVar("T")


class Client(Generic[C]):
    """Calls one contract; made by `sync.client`. May be kept for ever, and used by any thread and after a fork.

    Args:
        contract: The contract.
        unit: Asked at each call where it goes.
    """

    def __init__(self, contract: type[Any], unit: Callable[[], RunningUnit]) -> None:
        self._contract, self._unit = contract, unit
        self._info: ContractInfo = describe(contract)

    @overload
    def __call__(
        self, operation: Callable[Concatenate[C, P], Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...
    @overload
    def __call__(
        self, operation: Callable[Concatenate[C, P], AsyncIterator[T]], *args: P.args, **kwargs: P.kwargs
    ) -> Iterator[T]: ...
    def __call__(self, operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call an operation of the contract: `wallet(Wallet.balance, owner)`.

        Returns: the answer; an iterator of the items for a streaming operation, to be closed if it is left early.
        Raises:
            DomainError, CallError: as the stub of a service does.
            CalveError: this is the thread of the unit's own event loop, which must not wait.
            ConfigError: no unit runs here, and nothing says where one does.
        """
        return self._call(operation.__name__, args, kwargs)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):  # looked for by copy, pickle and the like
            raise AttributeError(name)
        if name not in self._info.operations:
            hint = did_you_mean(name, self._info.operations)
            raise AttributeError(f"{self._info.name} has no operation {name!r}; {hint}")
        return lambda *args, **kwargs: self._call(name, args, kwargs)

    def __dir__(self) -> list[str]:
        return sorted(self._info.operations)

    def __repr__(self) -> str:
        return f"<sync client of {self._info.name}>"

    def _call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        unit = self._unit()
        begun = getattr(unit.stub(self._contract), name)(*args, **kwargs)
        return unit.iterate(begun) if self._info.operations[name].streaming else unit.run(begun)
