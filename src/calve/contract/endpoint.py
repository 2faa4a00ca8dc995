"""The seam between contracts and transports: an operation together with something that runs it.

Transports know endpoints and nothing of services; the service room makes endpoints and knows nothing of transports.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

from ..core.context import CallContext
from .operation import Operation

Handler = Callable[[CallContext, Any], Awaitable[Any]]
"""`await handle(context, request)`: request is an instance of `operation.request`.

Returns the answer or raises CallError or a DomainError that the operation declares, never anything else.
"""

StreamHandler = Callable[[CallContext, Any], AsyncIterator[Any]]
"""The same for a streaming operation: iterate to get the items."""


class Endpoint(NamedTuple):
    """One operation as it is served, here or elsewhere."""

    service: str
    """Name of the service, such as `wallet`."""
    operation: Operation
    handle: Handler
    """For unary operations; raises TypeError for streaming ones."""
    stream: StreamHandler | None = None
    """For streaming operations only."""
