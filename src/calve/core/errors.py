"""Every error Calve raises itself, in one tree.

    CalveError
    ├── ConfigError                  before start: what, where, what next; the CLI exits with 2
    ├── CallError                    a call gave no answer; `may_have_run` says whether it can have had an effect
    │   ├── InvalidArgument          400  caller   the arguments do not fit the contract; `field` is the path
    │   ├── Unauthenticated          401  caller   no principal where one is needed
    │   ├── PermissionDenied         403  caller   the principal lacks the role, or the caller never declared the call
    │   ├── UnknownOperation         404  caller   nobody serves this contract, version or operation
    │   ├── InFlight                 409  caller   the same command is running under the same idempotency key
    │   ├── KeyReused                422  caller   the idempotency key names another request
    │   ├── Overloaded               429  callee   refused before running because a bound was reached
    │   ├── Cancelled                499  caller   the caller went away
    │   ├── InternalError            500  callee   the operation failed with something it never declared
    │   ├── AnswerLost               500  callee   the command had its effect under this key; its answer is not known
    │   ├── Unavailable              503  network  the callee could not be reached, or was lost during the call
    │   │   └── CircuitOpen          503  network  not sent, because too many calls before it failed
    │   └── DeadlineExceeded         504  network  the deadline passed
    ├── ProtocolError                a wire peer broke the protocol, or speaks another one
    └── StoreError                   a store could not do what was asked (see `calve.store.errors`)

Domain errors (`calve.DomainError`) are a contract's own answers, hence declared beside the contract
(`calve.contract.errors`).

Rule: an exception of a library never crosses the border of the room that uses it; the room translates it into one of
these. A failure of a call never claims that the operation did not run unless that is certain (`may_have_run is False`).
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

Fault = Literal["caller", "callee", "network"]


class CalveError(Exception):
    """Root of all errors raised by Calve. `exit_code` is what the CLI ends with when nobody catches it."""

    exit_code: ClassVar[int] = 1


class ConfigError(CalveError):
    """Something is wrong before anything runs.

    Args:
        what: The fault in one clause, with the offending name or number.
        where: File (and key or line) or environment variable that has to change.
        fix: The next step, as an imperative clause.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}; {self.fix}" if self.fix else text

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class CallError(CalveError):
    """A call that did not give an answer.

    Attributes:
        code: Stable identifier, the same on every transport. status: HTTP status used by the REST edge. fault: Who has
        to act. retryable: Whether the same call may succeed later without any change by the caller. may_have_run: False
        only when it is certain that the operation did not start. operation: `service.operation` that was called; set by
        the stub, so an error that an operation raises itself has none
            yet, and one that it lets through from a call of its own has that call's. passed_on: Whether an operation
            let it through from a call of its own. That call was repeated as far as that was of use, so nobody repeats
            the operation for it. retry_after_seconds: When a repeat may have a chance, if somebody knows.
    """

    operation: str | None = None
    passed_on: bool = False
    retry_after_seconds: float | None = None
    code: ClassVar[str] = "call_failed"
    status: ClassVar[int] = 500
    fault: ClassVar[Fault] = "callee"
    retryable: ClassVar[bool] = False
    may_have_run_default: ClassVar[bool] = True

    def __init__(self, message: str, *, may_have_run: bool | None = None) -> None:
        super().__init__(message)
        self.may_have_run = self.may_have_run_default if may_have_run is None else may_have_run

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class InvalidArgument(CallError):
    """The arguments do not fit the contract. `field` is a path such as `$.items[0].qty` ('$' is the whole argument)."""

    code, status, fault, may_have_run_default = "invalid_argument", 400, "caller", False

    def __init__(self, message: str, *, field: str = "$", may_have_run: bool | None = None) -> None:
        super().__init__(message, may_have_run=may_have_run)
        self.field = field


class Unauthenticated(CallError):
    """The operation needs a principal and the call has none."""

    code, status, fault, may_have_run_default = "unauthenticated", 401, "caller", False


class PermissionDenied(CallError):
    """The principal lacks the operation's role; or, in strict mode, the calling service never declared the call."""

    code, status, fault, may_have_run_default = "permission_denied", 403, "caller", False


class UnknownOperation(CallError):
    """Nobody here serves this operation in a compatible version; the message names both versions when they differ."""

    code, status, fault, may_have_run_default = "unknown_operation", 404, "caller", False


class InFlight(CallError):
    """A command with the same idempotency key is running; when it has ended, the same call gets its answer, or runs."""

    code, status, fault, retryable = "in_flight", 409, "caller", True


class KeyReused(CallError):
    """The idempotency key was given to another request before; this one did not run. A new request needs a new key."""

    code, status, fault, may_have_run_default = "key_reused", 422, "caller", False


class Overloaded(CallError):
    """Refused before running because a bound (calls or bytes in flight, queue) was reached; later may succeed."""

    code, status, retryable, may_have_run_default = "overloaded", 429, True, False


class Cancelled(CallError):
    """The caller cancelled the call or disconnected; the operation may have run in part."""

    code, status, fault = "cancelled", 499, "caller"


class InternalError(CallError):
    """The operation raised something its contract does not declare. Details are in the callee's log, not here."""

    code, status = "internal_error", 500


class AnswerLost(CallError):
    """The command ran before under this idempotency key and had an effect, but did not get as far as its answer.

    It was cut off by a crash, a failure or its deadline. Look at what there is now; running it again takes another key.
    """

    code, status = "answer_lost", 500


class Unavailable(CallError):
    """The callee could not be reached (`may_have_run` False) or was lost during the call (`may_have_run` True)."""

    code, status, fault, retryable = "unavailable", 503, "network", True
    lost: bool = False
    """Whether the connection broke during the call, so that nobody here knows what became of it."""


class CircuitOpen(Unavailable):
    """Not sent: too many of the calls before it failed, and the breaker tries only one from time to time.

    `retry_after_seconds` says when the next one goes through; the message, what the failures were.
    """

    code, may_have_run_default = "circuit_open", False


class DeadlineExceeded(CallError):
    """The deadline passed. The operation may have run, may still be running, or may never have started."""

    code, status, fault, retryable = "deadline_exceeded", 504, "network", True


class ProtocolError(CalveError):
    """A peer sent what the wire protocol does not allow, or speaks another version of it."""


class StoreError(CalveError):
    """A store could not do what was asked; the transaction had no effect unless `may_have_committed`."""

    retryable: ClassVar[bool] = False
    """Whether the same transaction may succeed later without any change by the caller."""
    may_have_committed: ClassVar[bool] = False
    """Whether nobody can say if the transaction had its effect."""


CALL_ERRORS: dict[str, type[CallError]] = {
    cls.code: cls
    for cls in (
        InvalidArgument,
        Unauthenticated,
        PermissionDenied,
        UnknownOperation,
        InFlight,
        KeyReused,
        Overloaded,
        Cancelled,
        InternalError,
        AnswerLost,
        Unavailable,
        CircuitOpen,
        DeadlineExceeded,
    )
}


def _rebuild(cls: type[CalveError], args: tuple[Any, ...], state: dict[str, Any]) -> CalveError:
    """Rebuild an error after pickling without calling its own constructor, whose signature varies."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error
