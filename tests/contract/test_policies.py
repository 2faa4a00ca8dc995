"""What a contract says of the calls of its operations."""

from __future__ import annotations

from typing import Any, Protocol

import pytest

from calve import Contract, Policy, command, query
from calve.contract import describe
from calve.contract.errors import ContractError
from calve.core.policy import said


class Prices(Contract, Protocol, version="1.0", policy=Policy(attempts_max=1, timeout_seconds=3)):
    @query()
    async def plain(self) -> int: ...

    @query(policy=Policy(attempts_max=5, fallback=0))
    async def own(self) -> int: ...

    @command(timeout_seconds=1)
    async def short(self) -> None: ...


def test_an_operation_says_more_than_its_contract() -> None:
    operations = describe(Prices).operations
    assert said(operations["plain"].policy) == {"attempts_max": 1, "timeout_seconds": 3}
    assert said(operations["own"].policy) == {"attempts_max": 5, "timeout_seconds": 3, "fallback": 0}
    assert said(operations["short"].policy) == {"attempts_max": 1, "timeout_seconds": 1}
    assert [operation.timeout_seconds for operation in operations.values()] == [3, 3, 1]


def test_an_implementation_has_none() -> None:
    with pytest.raises(ContractError, match="an implementation has no policy of its own"):

        class PricesService(Prices, policy=Policy(attempts_max=2)):
            pass


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (Policy(attempts_max=0), "policy: attempts_max: expected `int` >= 1"),
        (Policy(timeout_seconds=-1), "policy: timeout_seconds: expected `float` > 0"),
        (Policy(breaker_failures=2.0), "policy: breaker_failures: expected `float` <= 1"),
        (Policy(calls_max="many"), "policy: calls_max: expected `int | null`, got `str`"),  # type: ignore[arg-type]
        (Policy(timeout_seconds=1), "timeout_seconds is said twice"),
    ],
)
def test_values_are_checked(policy: Any, text: str) -> None:
    class Bad(Contract, Protocol, version="1.0"):
        @query(timeout_seconds=2, policy=policy)
        async def find(self) -> int: ...

    with pytest.raises(ContractError, match=r"Bad\.find") as caught:
        describe(Bad)
    assert text in str(caught.value)


def test_a_contract_has_no_fallback_for_all() -> None:
    class Bad(Contract, Protocol, version="1.0", policy=Policy(fallback=0)):
        @query()
        async def find(self) -> int: ...

    with pytest.raises(ContractError, match="give each query that needs one its own"):
        describe(Bad)
