"""What of Calve the support package has too, and what it has not, with what to do about that."""

from __future__ import annotations

from ..core.suggest import did_you_mean

SUPPORTED = {
    "UNSET": "UNSET",
    "AnswerLost": "AnswerLost",
    "CallError": "CallError",
    "CalveError": "ServiceError",
    "Cancelled": "Cancelled",
    "Clock": "Clock",
    "CommitUnknown": "CommitUnknown",
    "ConfigError": "ConfigError",
    "ConstraintViolated": "ConstraintViolated",
    "DeadlineExceeded": "DeadlineExceeded",
    "DomainError": "DomainError",
    "Event": "Event",
    "InFlight": "InFlight",
    "InternalError": "InternalError",
    "InvalidArgument": "InvalidArgument",
    "KeyReused": "KeyReused",
    "Logger": "Logger",
    "Message": "Message",
    "Meta": "Meta",
    "Overloaded": "Overloaded",
    "PermissionDenied": "PermissionDenied",
    "Reader": "Reader",
    "Row": "Row",
    "SchemaError": "SchemaError",
    "Secret": "Secret",
    "Settings": "Settings",
    "StatementError": "StatementError",
    "Store": "Store",
    "StoreBusy": "StoreBusy",
    "StoreConflict": "StoreConflict",
    "StoreError": "StoreError",
    "StoreUnavailable": "StoreUnavailable",
    "SystemClock": "SystemClock",
    "Transaction": "Transaction",
    "TransactionError": "TransactionError",
    "Unauthenticated": "Unauthenticated",
    "Unavailable": "Unavailable",
    "UnknownOperation": "UnknownOperation",
    "Unset": "Unset",
    "option": "option",
}
"""Name in Calve -> name in the support package."""

DROPPED = frozenset({"Contract", "command", "query"})
"""What only a contract needs; contracts become plain protocols, and routes say the rest."""

_CONTEXT = "take what the operation needs as a parameter, which a gateway in front can fill from a header"
PUBLISHES = "publish from the ejected project with the client of your broker"
_FIXES = {
    "Call": "write a Starlette middleware in the ejected project",
    "CallContext": _CONTEXT,
    "Middleware": "write a Starlette middleware in the ejected project",
    "Principal": _CONTEXT,
    "call_options": "drop it; give the call a timeout in the generated client",
    "current_call": _CONTEXT,
    "on": "handle the event where your broker's client delivers it, or let its publisher call an operation",
    "stub": "take the contract as a parameter of the constructor",
}


def why_not(name: str) -> str:
    """What to do about a name that the support package does not have."""
    return _FIXES.get(name) or f"replace it by something of your own ({did_you_mean(name, SUPPORTED)})"
