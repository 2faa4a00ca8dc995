"""What came out of an operation, as the caller may see it.

    raised by the operation itself                    reaches the caller as
      a DomainError in `raises=[...]`                 itself
      another DomainError                             InternalError, logged with the line to add to the contract
      a CallError (InvalidArgument, ...)              itself
      let through from a call it made:
        Unavailable, Overloaded, DeadlineExceeded     itself, but `may_have_run` is True: this operation did run
        InFlight                                      Unavailable, in the same way: it is not this call that runs
        any other CallError                           InternalError: its caller did nothing wrong, it did
      a StoreError that may pass by itself            Unavailable, logged (a collision, a server that is away, …)
      CancelledError, when the task was cancelled     itself (the deadline or the caller's going away)
      anything else                                   InternalError, logged with its traceback

The same table holds in one process and across the wire, which is what makes a split invisible to `except` clauses.
"""

from __future__ import annotations

from asyncio import CancelledError, current_task
from typing import NamedTuple

from ..contract import DomainError, Operation
from ..core.errors import (
    CallError,
    CircuitOpen,
    DeadlineExceeded,
    InFlight,
    InternalError,
    InvalidArgument,
    Overloaded,
    StoreError,
    Unavailable,
)
from ..observe import Logger

_PASS_ON = (Unavailable, Overloaded, DeadlineExceeded)


class Outcome(NamedTuple):
    """An error as the caller gets it, and its code for metrics and spans."""

    error: BaseException
    code: str


def outcome_of(error: BaseException, name: str, operation: Operation, log: Logger) -> Outcome:
    """Map what `name` (`service.operation`) raised; logs what its author should know."""
    if isinstance(error, DomainError):
        return _domain(error, name, operation, log)
    if isinstance(error, CancelledError) and _is_cancelled():
        return Outcome(error, "cancelled")
    if isinstance(error, StoreError) and (error.retryable or error.may_have_committed):
        log.exception("operation failed for want of its store", error=error, operation=name)
        return Outcome(Unavailable(f"{name} failed with {type(error).__name__}", may_have_run=True), "unavailable")
    if not isinstance(error, CallError):
        log.exception("operation failed", error=error, operation=name)
        return Outcome(InternalError(f"{name} failed with {type(error).__name__}"), "internal_error")
    if error.operation is None:
        return Outcome(error, error.code)
    if isinstance(error, (*_PASS_ON, InFlight)):
        kind = Unavailable if isinstance(error, (InFlight, CircuitOpen)) else type(error)
        passed = kind(f"{name}: {error}", may_have_run=True)
        passed.passed_on, passed.retry_after_seconds = True, error.retry_after_seconds
        return Outcome(passed, passed.code)
    log.error("call failed within operation", error=error, operation=name, callee=error.operation)
    return Outcome(InternalError(f"{name}: its call of {error.operation} failed with {error.code}"), "internal_error")


def _is_cancelled() -> bool:
    """Whether somebody cancelled this task; otherwise a CancelledError came out of something the operation awaited."""
    task = current_task()
    return task is None or task.cancelling() > 0


def _domain(error: DomainError, name: str, operation: Operation, log: Logger) -> Outcome:
    kind = type(error).__name__
    declared = operation.errors_by_name.get(kind)
    if declared is None or declared[0] is not type(error):
        log.error(f"undeclared domain error: add {kind} to raises=[...] of the contract", error=error, operation=name)
        return Outcome(
            InternalError(f"{name} failed with {kind}, which its contract does not declare"), "internal_error"
        )
    try:
        # A copy, as across a wire: the fields are checked, and nobody shares mutable state with the implementation.
        copy = type(error).from_fields(declared[1].copy(error.fields()))
    except InvalidArgument as invalid:
        log.error(f"domain error {kind} does not fit its own fields", error=invalid, operation=name)
        return Outcome(InternalError(f"{name} failed with a malformed {kind}"), "internal_error")
    return Outcome(copy, kind)
