"""Who declared which calls, for strict mode: asked when a unit starts, which may not import services of other units."""

from __future__ import annotations

from collections.abc import Iterable

from ..runtime import AppConfig
from ..service import DeclaredCallers
from .territory import Application


def declared_callers(config: AppConfig, services: Iterable[str]) -> dict[str, DeclaredCallers]:
    """Who may call some services: whoever asks for their contract in a constructor.

    Args:
        config: The project; the source of all its services has to be there.
        services: Names of those that are called.
    Raises: ConfigError: a service's source is not there, or is no Python.
    """
    application = Application(config)
    declared = {name: application.declared(name) for name in application.services}
    found = {}
    for service in services:
        contract = application.contract(service)
        callers = frozenset(name for name, calls in declared.items() if service in calls)
        operations = [f"{name}.{operation}" for name in callers for operation in _operations(application, name)]
        shown = service if contract is None else contract.node.name
        found[service] = DeclaredCallers(shown, callers, operations)
    return found


def _operations(application: Application, service: str) -> Iterable[str]:
    contract = application.contract(service)
    return () if contract is None else application.classes.operations(contract)
