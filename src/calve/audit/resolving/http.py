"""HTTP calls from one part of the project to another: a URL that ends like one of its own routes.

    @router.get("/orders/{id}")              route   orders/*
    path("orders/<int:pk>/", views.detail)   route   orders/*
    httpx.get("http://shop/api/orders/1")    call    api/orders/1     ->  inferred: it may be another system's

Routes are given prefixes where they are included, and hosts have names nobody here knows, so only the end of the path
is compared, and a route has to have a word of its own. A URL that fits routes of two modules leads to neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..base import Edge
from ..reading.facts import Chain
from .modules import Modules, Symbol

_DECORATORS = frozenset({"route", "get", "post", "put", "patch", "delete", "api_route", "websocket"})
_CALLS = frozenset({"path", "url", "add_url_rule", "add_api_route"})
_PLACEHOLDER = re.compile(r"<[^>]*>|\{[^}]*\}|\(\?P?[^)]*\)")

Segments = tuple[str, ...]


class Routes:
    """The routes of a project."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._by_end: dict[str, list[tuple[Segments, Symbol]]] = {}
        """By the last word; that of a route that ends with a placeholder is `*`."""
        for segments, handler in self._all():
            if any(segment != "*" for segment in segments):
                self._by_end.setdefault(segments[-1], []).append((segments, handler))

    def edges(self, calls: Iterable[tuple[str, int, str]]) -> Iterator[Edge]:
        """The edges that HTTP calls make.

        Args: calls: Module, line and URL of each.
        """
        for module, line, url in calls:
            handler = self.handler(url)
            if handler is not None and handler.module != module:
                path = self._modules.files[module].path
                yield Edge(module, handler.module, "http", "inferred", handler.name, path, line, "call")

    def handler(self, url: str) -> Symbol | None:
        """What serves a URL, or a path; None when nothing here does, or when it could be several."""
        called = _segments(url.partition("://")[2].partition("/")[2] if "://" in url else url)
        if not called:
            return None
        fitting = [
            (sum(segment != "*" for segment in route), handler)
            for end in {called[-1], "*"}
            for route, handler in self._by_end.get(end, ())
            if len(route) <= len(called) and all(r in ("*", c) for r, c in zip(route[::-1], called[::-1], strict=False))
        ]
        best = max((words for words, _ in fitting), default=0)
        handlers = {handler for words, handler in fitting if words == best}
        return handlers.pop() if len({handler.module for handler in handlers}) == 1 else None

    def _all(self) -> Iterator[tuple[Segments, Symbol]]:
        for module, facts in self._modules.facts.items():
            for function in facts.functions:
                for decorator in function.decorators:
                    link = decorator.links[-1]
                    if link.name in _DECORATORS and decorator.root and link.args and link.args[0].startswith("'/"):
                        yield _segments(link.args[0][1:]), Symbol(module, function.name)
            for chain in facts.chains:
                yield from self._registered(module, chain)

    def _registered(self, module: str, chain: Chain) -> Iterator[tuple[Segments, Symbol]]:
        link = chain.links[0]
        if link.name in _CALLS and len(link.args) > 1 and link.args[0].startswith("'"):
            found = self._modules.resolve(module, link.args[-1].removesuffix(".as_view()"))
            if isinstance(found, Symbol) and found.name:
                yield _segments(link.args[0][1:]), found


def _segments(path: str) -> Segments:
    """The words of a path, `*` for what varies."""
    path = path.partition("?")[0]
    words = (re.sub(r"[\^$]", "", _PLACEHOLDER.sub("*", word)) for word in path.split("/"))
    return tuple("*" if "*" in word else word for word in words if word)
