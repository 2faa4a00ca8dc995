"""Who may call an operation: declared callers and roles."""

from __future__ import annotations

import pytest

from calve import CallContext, Principal
from calve.core.errors import PermissionDenied, Unauthenticated
from calve.service import DeclaredCallers
from calve.service.admission import make_admission

CALLERS = DeclaredCallers("Wallet", frozenset({"orders"}), ["orders.place"])
ALICE = Principal("alice", frozenset({"wallet:write"}))


def called_by(caller: str, principal: Principal | None = None) -> CallContext:
    """The context of a call that somebody made."""
    context = CallContext("wallet.debit", principal=principal)
    context.caller = caller
    return context


def test_without_a_rule_there_is_nothing_to_check() -> None:
    assert make_admission("wallet.debit", None, None) is None


@pytest.mark.parametrize("caller", ["", "orders", "orders.place", "orders.of_a_newer_version"])
def test_who_declared_the_call_and_who_is_outside_may_call(caller: str) -> None:
    admission = make_admission("wallet.debit", None, CALLERS)
    assert admission is not None
    admission(called_by(caller))


@pytest.mark.parametrize("caller", ["till.sell", "orders2.place", ".orders", "wallet.debit"])
def test_who_did_not_declare_it_is_refused_and_told_how_to(caller: str) -> None:
    admission = make_admission("wallet.debit", None, CALLERS)
    assert admission is not None
    with pytest.raises(PermissionDenied) as caught:
        admission(called_by(caller))
    assert caught.value.may_have_run is False
    service = caller.partition(".")[0]
    assert str(caught.value) == (
        f"{caller} may not call wallet.debit: the constructor of {service} asks for no Wallet; "
        "declare the call with a parameter `wallet: Wallet`"
    )


@pytest.mark.parametrize("caller", ["till", "order"])
def test_who_is_no_operation_has_no_constructor_to_declare_it_in(caller: str) -> None:
    admission = make_admission("wallet.debit", None, CALLERS)
    assert admission is not None
    with pytest.raises(PermissionDenied) as caught:
        admission(called_by(caller))
    assert str(caught.value) == (
        f"{caller} may not call wallet.debit: it does not say that it calls wallet; "
        f'add "wallet" to calls under [service.{caller}]'
    )


def test_a_name_without_end_is_told_in_part() -> None:
    admission = make_admission("wallet.debit", None, CALLERS)
    assert admission is not None
    with pytest.raises(PermissionDenied) as caught:
        admission(called_by("x" * 10_000))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("callers", [None, CALLERS])
def test_the_role_counts_for_everybody(callers: DeclaredCallers | None) -> None:
    admission = make_admission("wallet.debit", "wallet:write", callers)
    assert admission is not None
    admission(called_by("orders.place", ALICE))
    with pytest.raises(Unauthenticated, match=r"wallet\.debit needs a principal with role 'wallet:write'"):
        admission(called_by("orders.place"))
    with pytest.raises(PermissionDenied, match="'bob' does not have it"):
        admission(called_by("orders.place", Principal("bob")))
