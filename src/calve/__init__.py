"""Calve: write services once, run them as one process or as many.

This facade exports what an application author types every day; everything else has its room (`calve.store`,
`calve.testing`, …). Names are looked up on first use, so that `calve --help` and a contract module import only what
they need.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .contract import UNSET, Contract, DomainError, Event, Message, Meta, Unset, command, query
    from .core.clock import Clock
    from .core.context import CallContext, Principal, call_options, current_call
    from .core.errors import CallError, CalveError, ConfigError, DeadlineExceeded, InvalidArgument, Unavailable
    from .core.policy import Policy
    from .core.settings import Secret, Settings
    from .messaging import on
    from .observe import Logger
    from .service import Call, Middleware
    from .service.lazy import stub
    from .store import Store, Transaction

_ROOMS = {
    "calve.contract": ("Contract", "DomainError", "Event", "Message", "Meta", "Unset", "UNSET", "command", "query"),
    "calve.core.clock": ("Clock",),
    "calve.core.context": ("CallContext", "Principal", "call_options", "current_call"),
    "calve.core.errors": (
        "CallError",
        "CalveError",
        "ConfigError",
        "DeadlineExceeded",
        "InvalidArgument",
        "Unavailable",
    ),
    "calve.core.policy": ("Policy",),
    "calve.core.settings": ("Secret", "Settings"),
    "calve.messaging": ("on",),
    "calve.observe": ("Logger",),
    "calve.service": ("Call", "Middleware"),
    "calve.service.lazy": ("stub",),
    "calve.store": ("Store", "Transaction"),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}

__version__ = "0.1.0"
__all__ = [
    "Call",
    "call_options",
    "CallContext",
    "CallError",
    "CalveError",
    "Clock",
    "command",
    "ConfigError",
    "Contract",
    "current_call",
    "DeadlineExceeded",
    "DomainError",
    "Event",
    "InvalidArgument",
    "Logger",
    "Message",
    "Meta",
    "Middleware",
    "on",
    "Policy",
    "Principal",
    "query",
    "Secret",
    "Settings",
    "Store",
    "stub",
    "Transaction",
    "Unavailable",
    "UNSET",
    "Unset",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = globals()[name] = getattr(importlib.import_module(_HOME[name]), name)
        return value
    raise AttributeError(f"module 'calve' has no attribute {name!r}")
