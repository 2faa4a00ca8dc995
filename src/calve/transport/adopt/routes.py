"""What an application's requests are called in metrics and traces: the method and, where it tells, the route.

    FastAPI                   scope["route"].path          GET /items/{item_id}
    Starlette                 scope["endpoint"]            GET read_item
    everything else           nothing                      GET

A path itself is never used: there are as many of them as there are clients who make them up. Names beyond `ROUTES_MAX`
count as one.
"""

from __future__ import annotations

from ...observe import OperationMetrics, Registry
from ..rest.base import Scope

ROUTES_MAX = 200
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})


class RouteMetrics:
    """The metrics of one application by route.

    Args:
        registry: Of the unit.
        service: Name of the service.
    """

    def __init__(self, registry: Registry, service: str) -> None:
        self._registry, self._service = registry, service
        self._known: dict[tuple[str, str], OperationMetrics] = {}

    def of(self, method: str, scope: Scope) -> OperationMetrics:
        """The metrics of a request that has been routed; `operation` of them is its name."""
        key = method, _route(scope)
        found = self._known.get(key)
        return found if found is not None else self._add(key)

    def arriving(self, method: str) -> OperationMetrics:
        """The metrics of a request that has not; they count what is in flight."""
        found = self._known.get((method, ""))
        return found if found is not None else self._add((method, ""))

    def _add(self, key: tuple[str, str]) -> OperationMetrics:
        method, route = key
        shown = method if method in METHODS or method == "WEBSOCKET" else "OTHER"
        if route and len(self._known) >= ROUTES_MAX:
            route = "other"
        name = f"{shown} {route}" if route else shown
        metrics = self._registry.operation(self._service, name, "request", "server")
        if len(self._known) < 2 * ROUTES_MAX:
            self._known[key] = metrics
        return metrics


def _route(scope: Scope) -> str:
    route = scope.get("route")
    if route is not None:
        path = getattr(route, "path", "")
        return path if isinstance(path, str) else ""
    endpoint = scope.get("endpoint")
    if endpoint is None:
        return ""
    name = getattr(endpoint, "__qualname__", None) or type(endpoint).__qualname__
    return name if isinstance(name, str) else ""
