"""The catalogue: everything there is to know of an application's services, as plain data.

    {"schema": 1, "app": {"name", "version", "description"},
     "services": [{
         "name", "kind": "service" | "adopted" | "remote", "package", "owner": … | null,
         "contract": {"name", "version", "description"} | null,
         "operations": [{"name", "kind", "http", "status", "streaming", "role", "timeout_seconds",
                         "errors": [{"name", "status"}], "description"}],
         "publishes": ["WalletDebited"],
         "store": "sqlite:///data/wallet.db" | null,
         "calls": [{"service", "declared", "operations": [{"from", "to", "file", "line"}]}],
         "called_by": [the same, of those that call it],
         "units": {"one": "shop", "split": "money"}}],
     "topologies": {"split": {"money": ["wallet"]}}}

`to` is null where the source does not tell which operation is called. Contracts are imported, implementations are read:
the catalogue can be made where no service could run. The same source gives the same catalogue, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..contract import ContractInfo, Operation
from ..runtime import AppConfig
from .calls import ANY, CallGraph, CallSite, call_graph
from .territory import Application

SCHEMA = 1
"""Version of the form: higher when something is removed or means something else."""


def catalog(config: AppConfig, contracts: Mapping[str, ContractInfo]) -> dict[str, Any]:
    """Describe an application.

    Args:
        config: The project.
        contracts: By service; those that have none (adopted applications) are not there.
    Raises: ConfigError: see `check`.
    """
    application = Application(config)
    graph = call_graph(application)
    return {
        "schema": SCHEMA,
        "app": {"name": config.app.name, "version": config.app.version, "description": config.app.description},
        "services": [_service(application, graph, name, contracts.get(name)) for name in application.services],
        "topologies": {
            topology.name: {unit.name: list(unit.services) for unit in topology.units}
            for topology in config.topologies.values()
        },
    }


def _service(application: Application, graph: CallGraph, name: str, info: ContractInfo | None) -> dict[str, Any]:
    config, source = application.config, application.services[name]
    kind = "adopted" if source.adopted else "remote" if source.contract else "service"
    units = {t.name: unit.name for t in config.topologies.values() for unit in t.units if name in unit.services}
    others = application.services
    return {
        "name": name,
        "kind": kind,
        "package": source.package,
        "owner": config.service[name].owner or None,
        "contract": None
        if info is None
        else {"name": info.name, "version": str(info.version), "description": _line(info.doc)},
        "operations": [] if info is None else [_operation(o) for o in info.operations.values()],
        "publishes": [] if info is None else [event.__name__ for event in info.publishes],
        "store": config.store_template(name).replace("{service}", name) if application.wants_store(name) else None,
        "calls": [call for other in others if (call := _call(application, graph, name, other, other))],
        "called_by": [call for other in others if (call := _call(application, graph, other, name, other))],
        "units": units,
    }


def _operation(operation: Operation) -> dict[str, Any]:
    http = operation.http
    return {
        "name": operation.name,
        "kind": operation.kind,
        "http": None if http is None else f"{http.method} {http.path}",
        "status": None if http is None else http.status,
        "streaming": operation.streaming,
        "role": operation.role,
        "timeout_seconds": operation.timeout_seconds,
        "errors": [{"name": error.__name__, "status": error.status} for error in operation.raises],
        "description": _line(operation.doc),
    }


def _line(doc: str) -> str:
    """The first line of a docstring."""
    return doc.partition("\n")[0]


def _call(application: Application, graph: CallGraph, caller: str, callee: str, other: str) -> dict[str, Any] | None:
    """How one service calls another; None: not at all."""
    sites = graph.between(caller, callee)
    declared = callee in application.declared(caller)
    if not sites and not declared:
        return None
    return {"service": other, "declared": declared, "operations": [_site(application, site) for site in sites]}


def _site(application: Application, site: CallSite) -> dict[str, Any]:
    file, _, line = site.place.shown(application.config.root).rpartition(":")
    return {
        "from": None if site.caller.name == ANY else site.caller.name,
        "to": None if site.callee.name == ANY else site.callee.name,
        "file": file,
        "line": int(line),
    }
