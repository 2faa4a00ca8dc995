"""Check a whole project before any of its processes starts.

Everything is imported in this process, contracts and implementations, so that a cycle or a missing dependency shows as
one line and not as the fifth of three units restarting.
"""

from __future__ import annotations

from ..runtime import AppConfig
from ..runtime.plan import ServiceFacts
from ..service import dependency_graph, load_service
from .stores import check_schema_folders, wants_store


def describe_services(config: AppConfig) -> dict[str, ServiceFacts]:
    """Load every service and check what they ask for.

    Returns: per service, its contract, what it calls and whether it has a store.
    Raises: ConfigError: see `load_service`, `dependency_graph` and `check_schema_folders`.
    """
    services = [load_service(dotted, hosted=True) for dotted in config.services.values()]
    graph = dependency_graph(services)
    check_schema_folders(services)
    return {
        s.name: ServiceFacts(f"{s.contract.name} {s.contract.version}", frozenset(graph[s.name]), wants_store(s))
        for s in services
    }
