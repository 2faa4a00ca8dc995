"""What came out of an operation, as its caller may see it: the table in outcome.py, line by line."""

from __future__ import annotations

import asyncio
from typing import Protocol

import pytest

from calve import CallError, Contract, DomainError, query
from calve.contract import describe
from calve.core.errors import (
    CircuitOpen,
    DeadlineExceeded,
    InFlight,
    InternalError,
    InvalidArgument,
    KeyReused,
    Overloaded,
    PermissionDenied,
    StoreError,
    Unavailable,
)
from calve.observe import Logger
from calve.service.outcome import Outcome, outcome_of
from calve.store import CommitUnknown, StatementError, StoreBusy, StoreConflict, StoreUnavailable
from calve.testing.fakes.observe import CapturedLogs


class Declared(DomainError):
    status = 404
    rows: tuple[int, ...] = ()


class Undeclared(DomainError):
    pass


class Shop(Contract, Protocol, version="1.0"):
    @query(raises=[Declared])
    async def find(self) -> int: ...


def outcome(error: BaseException) -> Outcome:
    """What the caller of `shop.find` gets when it raised `error`."""
    return outcome_of(error, "shop.find", describe(Shop).operations["find"], Logger("shop"))


def let_through(error: CallError) -> CallError:
    """An error that came out of a call which the operation made itself."""
    error.operation = "wallet.debit"
    return error


def test_a_declared_domain_error_is_an_equal_copy() -> None:
    error = Declared(rows=(1, 2))
    result = outcome(error)
    assert result.error == error
    assert result.error is not error
    assert result.code == "Declared"


def test_an_undeclared_domain_error_is_an_internal_error_and_says_what_to_add() -> None:
    with CapturedLogs() as logs:
        result = outcome(Undeclared())
    assert type(result.error) is InternalError
    assert str(result.error) == "shop.find failed with Undeclared, which its contract does not declare"
    assert logs.line("undeclared domain error: add Undeclared to raises=[...] of the contract").level == "error"


def test_another_class_of_a_declared_name_is_not_declared() -> None:
    def another() -> DomainError:
        class Declared(DomainError):
            pass

        return Declared()

    assert type(outcome(another()).error) is InternalError


def test_a_domain_error_that_does_not_fit_its_fields_is_an_internal_error() -> None:
    with CapturedLogs() as logs:
        result = outcome(Declared(rows=("x",)))  # type: ignore[arg-type]
    assert str(result.error) == "shop.find failed with a malformed Declared"
    assert logs.line("domain error Declared does not fit its own fields").level == "error"


@pytest.mark.parametrize("kind", [InvalidArgument, PermissionDenied, Unavailable, DeadlineExceeded])
def test_a_call_error_of_the_operations_own_is_itself(kind: type[CallError]) -> None:
    error = kind("mine")
    assert outcome(error) == Outcome(error, error.code)


@pytest.mark.parametrize("kind", [Unavailable, Overloaded, DeadlineExceeded])
def test_what_may_pass_by_itself_is_let_through_but_the_operation_did_run(kind: type[CallError]) -> None:
    error = let_through(kind("gone", may_have_run=False))
    result = outcome(error)
    assert type(result.error) is kind
    assert isinstance(result.error, CallError)
    assert result.error.may_have_run
    assert str(result.error) == "shop.find: gone"
    assert result.error.operation is None
    assert result.error.passed_on, "so that nobody repeats the operation for it"
    assert (error.may_have_run, error.passed_on) == (False, False), "the error the operation saw stays as it was"


def test_a_breaker_further_down_is_not_the_one_of_the_caller() -> None:
    error = let_through(CircuitOpen("wallet.debit was not called"))
    error.retry_after_seconds = 0.8
    passed = outcome(error).error
    assert type(passed) is Unavailable
    assert (passed.passed_on, passed.may_have_run, passed.retry_after_seconds) == (True, True, 0.8)


def test_that_a_command_it_made_is_in_flight_does_not_make_it_so() -> None:
    result = outcome(let_through(InFlight("wallet.debit is running")))
    assert (type(result.error), str(result.error)) == (Unavailable, "shop.find: wallet.debit is running")
    assert type(outcome(InFlight("mine")).error) is InFlight


@pytest.mark.parametrize("kind", [InvalidArgument, PermissionDenied, InternalError, KeyReused])
def test_other_errors_of_a_call_are_the_fault_of_whoever_made_it(kind: type[CallError]) -> None:
    with CapturedLogs() as logs:
        result = outcome(let_through(kind("no")))
    assert str(result.error) == f"shop.find: its call of wallet.debit failed with {kind.code}"
    assert result.code == "internal_error"
    assert logs.line("call failed within operation").fields["callee"] == "wallet.debit"


def test_anything_else_is_an_internal_error_with_its_traceback_in_the_log() -> None:
    with CapturedLogs() as logs:
        result = outcome(ValueError("secret detail"))
    assert type(result.error) is InternalError
    assert str(result.error) == "shop.find failed with ValueError", "the text may hold what the caller must not know"
    assert logs.line("operation failed").exception["message"] == "secret detail"


async def test_a_cancellation_of_the_task_is_itself() -> None:
    async def cancelled() -> Outcome:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError as error:
            return outcome(error)
        raise AssertionError

    task = asyncio.create_task(cancelled())
    await asyncio.sleep(0)
    task.cancel()
    result = await task
    assert isinstance(result.error, asyncio.CancelledError)
    assert result.code == "cancelled"


async def test_a_cancellation_of_something_else_is_an_internal_error() -> None:
    """The operation awaited a task that was cancelled; its caller was not, and must not believe so."""
    result = outcome(asyncio.CancelledError())
    assert str(result.error) == "shop.find failed with CancelledError"


@pytest.mark.parametrize("kind", [StoreBusy, StoreConflict, StoreUnavailable, CommitUnknown])
def test_a_store_that_may_be_back_later_makes_the_operation_unavailable(kind: type[StoreError]) -> None:
    raised, code = outcome(kind("later"))
    assert isinstance(raised, Unavailable)
    assert (raised.may_have_run, code) == (True, "unavailable")
    assert str(raised) == f"shop.find failed with {kind.__name__}"


def test_a_wrong_statement_is_a_fault_of_the_operation() -> None:
    raised, code = outcome(StatementError("no such table"))
    assert (type(raised), code) == (InternalError, "internal_error")
