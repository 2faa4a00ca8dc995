"""Errors as problem documents (RFC 9457): `application/problem+json`.

    {"type": "urn:calve:error:invalid_argument", "title": "Invalid argument", "status": 400, "code": "invalid_argument",
     "detail": "Expected `int`, got `str` at $.cents", "field": "$.cents",
     "errors": [{"field": "$.cents", "in": "body", "detail": "…"}], "may_have_run": false, "retryable": false}

A declared domain error is a type of its own, and its fields are members of the document. What went wrong inside an
operation is never told: a 500 says where to look, not what was there.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from ...contract import DomainError
from ...contract.problems import PROBLEM_JSON, domain_error_type, error_type
from ...core.codec import enc_hook
from ...core.errors import CallError, CalveError, InternalError, InvalidArgument
from .base import Response

_SOON_SECONDS = 1
"""When to come back if nobody knows."""


class HttpError(CalveError):
    """A request that never became a call; HTTP's own errors, told like all others.

    Args:
        status: HTTP status.
        code: Stable identifier, as a CallError has one.
        message: The detail of the problem.
        headers: Go with the answer.
    """

    may_have_run = False
    retryable = False

    def __init__(self, status: int, code: str, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers


class Refusal(InvalidArgument):
    """Arguments that do not fit, with the part of the request they came in.

    Args:
        faults: Triples of field path, part (`path`, `query`, `body`, `header`) and text; at least one.
    """

    def __init__(self, *faults: tuple[str, str, str]) -> None:
        super().__init__("; ".join(text for _, _, text in faults), field=faults[0][0])
        self.faults = faults


def problem_of(error: CallError | HttpError, trace_id: str | None = None) -> dict[str, Any]:
    """Describe a call that gave no answer."""
    problem: dict[str, Any] = {
        "type": error_type(error.code),
        "title": error.code.replace("_", " ").capitalize(),
        "status": error.status,
        "code": error.code,
        "detail": str(error),
    }
    if isinstance(error, InternalError):
        problem["detail"] = "The operation failed. Its log says why; look for the trace id."
    if isinstance(error, InvalidArgument):
        faults = error.faults if isinstance(error, Refusal) else ((error.field, "arguments", str(error)),)
        problem["field"] = error.field
        problem["errors"] = [{"field": f, "in": part, "detail": text} for f, part, text in faults]
    problem["may_have_run"] = error.may_have_run
    problem["retryable"] = error.retryable
    if trace_id is not None and error.status >= 500:
        problem["trace_id"] = trace_id
    return problem


def domain_problem_of(service: str, error: DomainError) -> dict[str, Any]:
    """Describe a declared domain error; its fields become members."""
    kind = type(error)
    problem: dict[str, Any] = {
        "type": domain_error_type(service, kind),
        "title": kind.title(),
        "status": kind.status,
        "code": kind.__name__,
    }
    return problem | msgspec.structs.asdict(error.fields())


def encode_problem(problem: dict[str, Any]) -> Response:
    """The document as an answer."""
    return Response(problem["status"], PROBLEM_JSON, msgspec.json.encode(problem, enc_hook=enc_hook))


def problem_headers(error: CallError | HttpError, challenge: str) -> list[tuple[bytes, bytes]]:
    """Headers that belong to an error: the challenge of a 401, when to come back after a 409, 429 or 503."""
    headers = list(error.headers) if isinstance(error, HttpError) else []
    if error.status == 401:
        headers.append((b"www-authenticate", challenge.encode("latin-1")))
    if error.retryable and error.status in (409, 429, 503):
        headers.append((b"retry-after", b"%d" % _seconds(error)))
    return headers


def _seconds(error: CallError | HttpError) -> int:
    """When the same request may have a chance, whole seconds."""
    known = error.retry_after_seconds if isinstance(error, CallError) else None
    return _SOON_SECONDS if known is None else max(math.ceil(known), _SOON_SECONDS)
