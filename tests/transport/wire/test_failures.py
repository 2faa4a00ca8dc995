"""Errors across the wire that a well-behaved peer of the same age does not send; the others are in test_calls.py."""

from __future__ import annotations

from typing import Any

import pytest

from calve.core.context import CallContext
from calve.core.errors import CircuitOpen, InternalError, Unavailable
from calve.testing.loop import virtual_time
from calve.transport.wire import WireOptions
from calve.transport.wire.failures import DOMAIN_ERROR, error_of, failure_of
from calve.transport.wire.frames import Failure

from .conftest import DEBIT, OWNER, Balance, InsufficientFunds, Kit


def test_a_code_of_a_younger_peer_keeps_what_matters() -> None:
    refused = error_of(Failure(1, "quota_exceeded", "too much", False), DEBIT)
    assert type(refused) is Unavailable
    assert refused.may_have_run is False
    assert str(refused) == "too much (code 'quota_exceeded', unknown to this side)"
    failed = error_of(Failure(1, "quota_exceeded", "too much", True), DEBIT)
    assert type(failed) is InternalError
    assert failed.may_have_run is True


def test_who_let_it_through_and_when_to_come_back_arrive() -> None:
    error = CircuitOpen("not sent")
    error.passed_on, error.retry_after_seconds = True, 0.75
    arrived = error_of(failure_of(1, DEBIT, error), DEBIT)
    assert isinstance(arrived, CircuitOpen)
    assert (arrived.passed_on, arrived.retry_after_seconds, arrived.lost) == (True, 0.75, False)
    plain = error_of(failure_of(1, DEBIT, Unavailable("gone")), DEBIT)
    assert isinstance(plain, Unavailable)
    assert (plain.passed_on, plain.retry_after_seconds) == (False, None)


def test_a_domain_error_of_a_younger_peer_is_named() -> None:
    error = error_of(Failure(1, DOMAIN_ERROR, "frozen", True, None, "WalletFrozen"), DEBIT)
    assert type(error) is InternalError
    assert str(error) == "answered with WalletFrozen, which Wallet 1.2 does not declare: frozen"


@pytest.mark.parametrize("body", [None, b"\x80", b"\x81\xadmissing_cents\xa1x", b"\xc1"])
def test_a_malformed_domain_error_is_an_internal_error(body: Any) -> None:
    error = error_of(Failure(1, DOMAIN_ERROR, "", True, None, "InsufficientFunds", body), DEBIT)
    assert type(error) is InternalError
    assert "malformed InsufficientFunds" in str(error)


def test_a_subclass_of_a_declared_error_is_not_declared(caplog: pytest.LogCaptureFixture) -> None:
    kind = type("InsufficientFunds", (InsufficientFunds,), {})
    assert failure_of(1, DEBIT, kind(missing_cents=1)).code == "internal_error"
    assert "may not raise" in caplog.text


@virtual_time
async def test_a_domain_error_that_is_too_large_to_send_says_so() -> None:
    async def debit(context: CallContext, request: Any) -> Balance:
        error = InsufficientFunds(missing_cents=1)
        error.missing_cents = "x" * 10_000  # type: ignore[assignment]
        raise error

    async with Kit() as kit:
        kit.server(debit=debit)
        with pytest.raises(InternalError, match=r"Wallet\.debit answered takes 10\d+ bytes"):
            await kit.call(kit.client(options=WireOptions(frame_bytes_max=4096)), DEBIT, owner=OWNER, cents=1)


@virtual_time
async def test_a_domain_error_that_cannot_be_encoded_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async def debit(context: CallContext, request: Any) -> Balance:
        error = InsufficientFunds(missing_cents=1)
        error.missing_cents = object()  # type: ignore[assignment]
        raise error

    async with Kit() as kit:
        kit.server(debit=debit)
        with pytest.raises(InternalError, match="cannot be sent"):
            await kit.call(kit.client(), DEBIT, owner=OWNER, cents=1)
    assert "cannot be sent" in caplog.text
