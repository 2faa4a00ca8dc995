"""How errors look as problem details (RFC 9457): the names that the REST edge writes and the OpenAPI document promises.

    urn:calve:error:invalid_argument               a CallError or a fault of HTTP itself, by its code
    urn:calve:error:wallet:InsufficientFunds       a domain error, by service and class

Type URIs are stable: clients compare them. They are URNs because a problem type need not be a page that somebody hosts.
"""

from __future__ import annotations

from .errors import ContractError, DomainError
from .operation import Operation

PROBLEM_JSON = "application/problem+json"

RESERVED_MEMBERS = frozenset({"type", "title", "status", "detail", "instance", "code"})
"""Members of a problem about a domain error that its fields must not hide."""


def error_type(code: str) -> str:
    """Type URI of an error that no contract declares."""
    return f"urn:calve:error:{code}"


def domain_error_type(service: str, error: type[DomainError]) -> str:
    """Type URI of a domain error."""
    return f"urn:calve:error:{service}:{error.__name__}"


def check_members(operation: Operation) -> None:
    """Refuse domain errors that cannot be told as a problem.

    Raises: ContractError: a field has the name of a standard member.
    """
    for error in operation.raises:
        for name in error.fields_type().__struct_fields__:
            if name in RESERVED_MEMBERS:
                raise ContractError(
                    f"field {name!r} hides the standard member of a problem document",
                    where=f"{error.__module__}.{error.__qualname__}",
                    fix="rename the field, or take the operation off REST",
                )
