"""From an HTTP answer that is not the wished-for one back to an error: the other direction of problem.py.

a problem document of Calve             the error it was made of: a declared DomainError, or the CallError of its code
any other answer, by its status         the declared DomainError of that status, if there is one and the body has its
                                        fields; else:
    400, 422  InvalidArgument           401  Unauthenticated             403  PermissionDenied
    404, 405, 410  UnknownOperation     408, 504  DeadlineExceeded       429  Overloaded
    502, 503  Unavailable               every other one                  InternalError
"""

from __future__ import annotations

from typing import Any

import msgspec

from ...contract import DomainError, Operation
from ...core.errors import (
    CALL_ERRORS,
    CallError,
    DeadlineExceeded,
    InternalError,
    InvalidArgument,
    Overloaded,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
    UnknownOperation,
)

TYPE_PREFIX = "urn:calve:error:"
TEXT_CHARS_MAX = 500

_BY_STATUS: dict[int, type[CallError]] = {
    400: InvalidArgument,
    401: Unauthenticated,
    403: PermissionDenied,
    404: UnknownOperation,
    405: UnknownOperation,
    408: DeadlineExceeded,
    410: UnknownOperation,
    422: InvalidArgument,
    429: Overloaded,
    502: Unavailable,
    503: Unavailable,
    504: DeadlineExceeded,
}


def refusal_of(name: str, operation: Operation, status: int, body: bytes) -> CallError | DomainError:
    """The error that an answer stands for.

    Args:
        name: `service.operation`, for the message.
        status: Anything but 2xx.
        body: As much of it as was read.
    """
    problem = _object(body)
    ours = str(problem.get("type", "")).startswith(TYPE_PREFIX)
    code = problem.get("code")
    if ours and isinstance(code, str) and code in CALL_ERRORS:
        return _call_error(CALL_ERRORS[code], name, status, problem)
    declared = _declared(operation, status, body if problem else b"{}", code if ours else None)
    if declared is not None:
        return declared
    return _call_error(_BY_STATUS.get(status, InternalError), name, status, problem)


def _declared(operation: Operation, status: int, body: bytes, name: Any) -> DomainError | None:
    """The one declared error with this status whose fields the body has; None when there is none, or several are."""
    found = []
    for kind, codec in operation.errors_by_name.values():
        if kind.status != status or name not in (None, kind.__name__):
            continue
        try:
            found.append(kind.from_fields(codec.decode_json(body)))
        except InvalidArgument:
            continue
    return found[0] if len(found) == 1 else None


def _call_error(kind: type[CallError], name: str, status: int, problem: dict[str, Any]) -> CallError:
    told = problem.get("detail") or problem.get("title") or problem.get("message")
    text = f"{name}: {told[:TEXT_CHARS_MAX]}" if isinstance(told, str) else f"{name} was answered with HTTP {status}"
    ran = problem.get("may_have_run")
    may_have_run = ran if isinstance(ran, bool) else None
    if kind is InvalidArgument:
        field = problem.get("field")
        return InvalidArgument(text, field=field if isinstance(field, str) else "$", may_have_run=may_have_run)
    return kind(text, may_have_run=may_have_run)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}
