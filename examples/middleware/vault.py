"""Middleware: something of one's own around every operation, the same for local, wire and REST calls.

    $ calve run &
    $ calve call vault.open --as ada
    $ calve call vault.open --as mallory

calve.toml names it: `middleware = ["vault:Doorman"]`. It is built by injection like a service, and runs inside the
deadline, the span and the metrics of the operation.
"""

from __future__ import annotations

from typing import Any, Protocol

from calve import Call, Contract, Logger, query
from calve.core.errors import PermissionDenied
from calve.service import Proceed


class Vault(Contract, Protocol, version="1.0"):
    """Opens."""

    @query(http="GET /vault")
    async def open(self) -> str:
        """What is inside."""
        ...


class VaultService(Vault):
    """Knows nothing of the doorman."""

    async def open(self) -> str:
        return "gold"


class Doorman:
    """Lets some in and writes everybody down."""

    def __init__(self, log: Logger) -> None:
        self._log = log

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        caller = call.context.principal.subject if call.context.principal else "nobody"
        self._log.info("at the door", caller=caller, operation=call.operation.name)
        if caller != "ada":
            raise PermissionDenied(f"{caller} is not on the list")
        return await proceed(call)
