"""Who may call an operation: step 3 of the chain, before anything of the application runs.

    caller   in strict mode, a service whose constructor asks for this contract, or somebody outside of all services
    role     a principal that has the operation's role

The caller is what the calling stub says it is. That guards against a dependency nobody declared, not against an
attacker: who may connect at all is decided by certificates.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from ..core.context import CallContext
from ..core.errors import PermissionDenied, Unauthenticated

Admission = Callable[[CallContext], None]
"""Returns, or raises PermissionDenied or Unauthenticated."""

SHOWN_MAX = 100
"""Longest caller that is told in full: it comes from a peer."""


class DeclaredCallers(msgspec.Struct, frozen=True):
    """Who declared, by asking for it in a constructor, that it calls a contract."""

    contract: str
    """Name of the contract class, such as `Wallet`."""
    services: frozenset[str]
    """Names of the services that asked."""
    operations: Collection[str] = ()
    """`service.operation` of their operations, as far as they are known here; saves taking the name apart."""


def make_admission(name: str, role: str | None, callers: DeclaredCallers | None) -> Admission | None:
    """Compile the check of one operation, `name` being `service.operation`; None when everybody is let in."""
    if callers is None:
        return None if role is None else lambda context: _check_role(name, role, context)
    known = frozenset({"", *callers.services, *callers.operations})

    def admission(context: CallContext) -> None:
        if context.caller not in known:
            _check_caller(name, callers, context.caller)
        if role is not None:
            _check_role(name, role, context)

    return admission


def _check_caller(name: str, callers: DeclaredCallers, caller: str) -> None:
    service = caller.partition(".")[0]  # an operation that only the caller's version of its contract has
    if service not in callers.services:
        who, service = caller[:SHOWN_MAX], service[:SHOWN_MAX]
        if "." in caller:
            why = f"the constructor of {service} asks for no {callers.contract}"
            fix = f"declare the call with a parameter `{callers.contract.lower()}: {callers.contract}`"
        else:  # not from an operation: an adopted application, which has no constructor
            called = name.partition(".")[0]
            why, fix = f"it does not say that it calls {called}", f'add "{called}" to calls under [service.{service}]'
        raise PermissionDenied(f"{who} may not call {name}: {why}; {fix}")


def _check_role(name: str, role: str, context: CallContext) -> None:
    if context.principal is None:
        raise Unauthenticated(f"{name} needs a principal with role {role!r}; the call has none")
    if role not in context.principal.roles:
        raise PermissionDenied(f"{name} needs role {role!r}; {context.principal.subject!r} does not have it")
