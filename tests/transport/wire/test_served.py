"""Finding what a request means: exactly, in a compatible version, or not at all and then what there is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

import pytest

from calve.contract import Contract, Endpoint, describe, query
from calve.core.context import CallContext
from calve.core.errors import UnknownOperation
from calve.transport.wire.served import ServedOperations, target_of


class Wallet(Contract, Protocol, version="2.1"):
    """Money."""

    @query()
    async def balance(self, owner: int) -> int: ...

    @query()
    def history(self, owner: int) -> AsyncIterator[int]: ...


async def handle(context: CallContext, request: Any) -> int:
    """Never called here."""
    return 0


SERVED = ServedOperations(
    Endpoint(service, operation, handle)
    for service in ("wallet", "eu_wallet")
    for operation in describe(Wallet).operations.values()
)


def test_exactly() -> None:
    target = target_of("wallet", describe(Wallet).operations["balance"])
    assert target == "wallet/Wallet/2.1/balance"
    assert SERVED.exact[target].name == "wallet.balance"
    assert SERVED.exact["eu_wallet/Wallet/2.1/balance"].name == "eu_wallet.balance"


@pytest.mark.parametrize("minor", [0, 2, 99])
def test_any_minor_version_of_the_same_major(minor: int) -> None:
    assert SERVED.find(f"wallet/Wallet/2.{minor}/balance") is SERVED.exact["wallet/Wallet/2.1/balance"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("wallet/Wallet/1.0/balance", "this unit serves Wallet 2.1, the caller was built for Wallet 1.0"),
        ("wallet/Wallet/3.0/balance", "this unit serves Wallet 2.1, the caller was built for Wallet 3.0"),
        (
            "wallet/Wallet/2.2/refund",
            "this unit serves Wallet 2.1, the caller was built for Wallet 2.2: it has no operation",
        ),
        ("wallet/Wallet/2.1/balanse", "has no operation 'balanse'; did you mean 'balance'"),
        ("wallet/Walet/2.1/balance", "does not serve contract 'Walet'; did you mean 'Wallet'"),
        ("walet/Wallet/2.1/balance", "service 'walet' is not hosted here; did you mean 'wallet'"),
        ("wallet/Wallet/two/balance", "is not of the form"),
        ("wallet/Wallet/2.1", "is not of the form"),
        ("", "is not of the form"),
        ("x" * 10_000, "is not of the form"),
        ("wallet/Wallet/2.1/" + "x" * 400, "has no operation 'x"),
    ],
)
def test_what_is_not_served(target: str, message: str) -> None:
    with pytest.raises(UnknownOperation) as caught:
        SERVED.find(target)
    assert message in str(caught.value)
    assert caught.value.may_have_run is False
    assert len(str(caught.value)) < 400
