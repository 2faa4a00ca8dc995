"""Check a whole project before any of its processes starts.

Everything is imported in this process, contracts and implementations, so that a cycle or a missing dependency shows as
one line and not as the fifth of three units restarting. Adopted applications are not: importing them may take long and
do anything, and what they call is written down.
"""

from __future__ import annotations

import msgspec

from ..runtime import AppConfig
from ..runtime.plan import ServiceFacts
from ..service import dependency_graph, load_service
from .adopted import check_reference
from .policies import Policies
from .remotes import load_remote
from .stores import check_schema_folders, wants_store


def describe_services(config: AppConfig) -> dict[str, ServiceFacts]:
    """Load every service, check what they ask for, and look for the adopted applications.

    Returns: per service, its contract, what it calls and whether it has a store.
    Raises: ConfigError: see `load_service`, `dependency_graph`, `check_schema_folders` and `Policies`.
    """
    services = [load_service(dotted, hosted=True) for dotted in config.services.values()]
    services += [load_remote(config, name) for name in config.remotes]
    graph = dependency_graph(services)
    check_schema_folders(services)
    Policies(config, {s.name: s.contract for s in services})
    facts = {
        s.name: ServiceFacts(f"{s.contract.name} {s.contract.version}", frozenset(graph[s.name]), wants_store(s))
        for s in services
    }
    for name, remote in config.remotes.items():
        facts[name] = msgspec.structs.replace(facts[name], contract=f"{facts[name].contract} at {remote.url}")
    for name, settings in config.adopted.items():
        check_reference(config, name)
        kind = f"ASGI {settings.asgi}" if settings.asgi else f"WSGI {settings.wsgi}"
        facts[name] = ServiceFacts(kind, frozenset(settings.calls), stores=False)
    return facts
