"""Errors on their way through the wire: raised there, raised here again as the same class.

raised by the endpoint           frame                                             raised for the caller
a CallError                      code, message, may_have_run, field                the class with that code
a declared DomainError           code=domain_error, name, body=its fields          that class with equal fields
anything else                    internal_error (and logged there)                 InternalError

not known here (the peer is younger)
a code that says it did not run                                                    Unavailable(may_have_run=False)
any other code                                                                     InternalError
a domain error                                                                     InternalError with its name
"""

from __future__ import annotations

import logging
from typing import Any, cast

import msgspec

from ...contract import DomainError, Operation
from ...core.errors import CALL_ERRORS, CallError, InternalError, InvalidArgument, Unavailable
from .errors import FrameTooLarge
from .frames import Failure

DOMAIN_ERROR = "domain_error"
MESSAGE_CHARS_MAX = 800
FIELD_CHARS_MAX = 100
"""Messages are for people, and this much fits into the smallest frame a peer may insist on; a longer one is cut."""

log = logging.getLogger("calve.wire")


def failure_of(call_id: int, operation: Operation, error: Exception, replayed: bool = False) -> Failure:
    """The frame for what an endpoint raised; `replayed` if that is a domain error raised by an earlier call."""
    if isinstance(error, CallError):
        return call_failure(call_id, error)
    name = type(error).__name__
    if isinstance(error, DomainError):
        declared = operation.errors_by_name.get(name)
        if declared is not None and declared[0] is type(error):
            # The fields go into the frame as they are; encoding the frame encodes them.
            fields = cast(msgspec.Raw, error.fields())
            return Failure(call_id, DOMAIN_ERROR, _cut(error), True, None, name, fields, replayed)
    log.error("%s failed with what it may not raise", _label(operation), exc_info=error)
    return Failure(call_id, InternalError.code, f"{_label(operation)} failed with {name}")


def call_failure(call_id: int, error: CallError) -> Failure:
    """The frame for a `CallError`; fits into any peer's frames."""
    field = _cut(error.field, FIELD_CHARS_MAX) if isinstance(error, InvalidArgument) else None
    after = error.retry_after_seconds
    return Failure(
        call_id,
        error.code,
        _cut(error),
        error.may_have_run,
        field,
        passed_on=error.passed_on,
        retry_after_ms=None if after is None else int(after * 1000),
    )


def unsendable(call_id: int, operation: Operation, error: Exception) -> Failure:
    """The frame for an answer, an item or an error that could not be encoded or is too large; it fits itself."""
    if isinstance(error, FrameTooLarge):
        text = str(error)
    else:
        text = f"cannot be sent: {error}"
        log.error("what %s answered %s", _label(operation), text)
    return Failure(call_id, InternalError.code, _cut(f"what {_label(operation)} answered {text}"))


def error_of(failure: Failure, operation: Operation) -> CallError | DomainError:
    """The error for the caller."""
    if failure.code == DOMAIN_ERROR:
        return _domain_error(failure, operation)
    error = _call_error(failure)
    error.passed_on = failure.passed_on
    if failure.retry_after_ms is not None:
        error.retry_after_seconds = failure.retry_after_ms / 1000
    return error


def _call_error(failure: Failure) -> CallError:
    kind = CALL_ERRORS.get(failure.code)
    if kind is None:
        text = f"{failure.message} (code {failure.code!r}, unknown to this side)"
        return InternalError(text) if failure.may_have_run else Unavailable(text, may_have_run=False)
    if kind is InvalidArgument:
        return InvalidArgument(failure.message, field=failure.field or "$", may_have_run=failure.may_have_run)
    return kind(failure.message, may_have_run=failure.may_have_run)


def lost(message: str) -> Unavailable:
    """The error for a call whose connection broke."""
    error = Unavailable(message, may_have_run=True)
    error.lost = True
    return error


def bad_answer(operation: Operation, error: InvalidArgument) -> InternalError:
    """The error for an answer that does not fit the contract."""
    return InternalError(f"{_label(operation)} answered with what its contract does not allow: {error}")


def _domain_error(failure: Failure, operation: Operation) -> CallError | DomainError:
    declared = operation.errors_by_name.get(failure.name or "")
    if declared is None:
        version = f"{operation.contract} {operation.version}"
        return InternalError(f"answered with {failure.name}, which {version} does not declare: {failure.message}")
    kind, codec = declared
    try:
        fields: Any = codec.decode(failure.body)
    except InvalidArgument as error:
        return InternalError(f"answered with a malformed {failure.name}: {error}")
    return kind.from_fields(fields)


def _label(operation: Operation) -> str:
    return f"{operation.contract}.{operation.name}"


def _cut(message: object, chars_max: int = MESSAGE_CHARS_MAX) -> str:
    text = str(message)
    return text if len(text) <= chars_max else f"{text[:chars_max]}…"
