"""The middleware port: how an application puts something of its own around every operation it hosts.

    class Audit:
        async def __call__(self, call: Call, proceed: Proceed) -> Any:
            answer = await proceed(call)
            ...                                        # after the operation; not reached when it raised
            return answer

Named in calve.toml (`[app] middleware = ["shop.audit:Audit"]`), outermost first, built by constructor injection like
a service, though with neither store nor contracts; its settings are in `[middleware.audit]`. It runs inside the
deadline, the span and the metrics of the operation, and is the same for local, wire and REST calls.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from ..contract import Operation
from ..core.context import CallContext


class Call(msgspec.Struct, frozen=True):
    """One call as a middleware sees it. A record rather than parameters, so that it can grow."""

    service: str
    operation: Operation
    request: Any
    """Instance of `operation.request`: one field per parameter. To change it, use `msgspec.structs.replace`."""
    context: CallContext


Proceed = Callable[[Call], Awaitable[Any]]
"""The rest of the chain. For a streaming operation the answer is the async iterator of its items."""


class Middleware(Protocol):
    """Something that runs around operations; must await `proceed` at most once."""

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Handle one call.

        Returns: what `proceed` returned, or another answer of the same type.
        Raises: a CallError or a DomainError of the operation to refuse; the caller gets anything else as InternalError.
        """
        ...
