"""The composition of an ejected service: `main.py`, which says in the order of making what needs what.

path = Path(settings.database_url.removeprefix("sqlite:///"))
store = await SqliteStore.open(path, load_schema(ROOT / "shop/wallet/schema"))
stack.push_async_callback(store.close)
service = WalletService(store=store, clock=SystemClock())
routes = Routes(service, Keys(store), token).routes()
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..contract import is_contract
from ..core.clock import Clock
from ..observe import Logger
from ..store import Store
from .clients import client_name
from .facts import Facts, Neighbour, identifier, variables
from .signatures import Imports
from .text import filled, laid_out

_STARLETTE = (
    ("applications", "Starlette"),
    ("exceptions", "HTTPException"),
    ("requests", "Request"),
    ("responses", "FileResponse"),
    ("responses", "JSONResponse"),
    ("responses", "Response"),
    ("routing", "Route"),
)
_SUPPORT = (
    ("errors", "HttpError"),
    ("keys", "Keys"),
    ("log", "configure_logging"),
    ("problems", "answer_error"),
    ("settings", "load_settings"),
)
_PAGES = (("/openapi.json", "_document"), ("/health/live", "_health"), ("/health/ready", "_health"))


def main_module(facts: Facts) -> str:
    """The source of `main.py`."""
    imports = Imports(facts.names.support, frozenset(facts.tops))
    for module in ("asyncio", "sys", "uvicorn"):
        imports.add_module(f"import {module}")
    for module, name in _STARLETTE:
        imports.add(f"starlette.{module}", name)
    for module, name in _SUPPORT:
        imports.add(f"{facts.names.support}.{module}", name)
    for module, name in (
        ("collections.abc", "AsyncIterator"),
        ("contextlib", "asynccontextmanager"),
        ("pathlib", "Path"),
    ):
        imports.add(module, name)
    for name in ("ConfigError", "Settings"):
        imports.add(facts.names.support, name)
    imports.add(".routes", "Routes")
    statements = _Composition(facts, imports).statements()
    fields = variables(facts)
    if any(variable.kind.startswith("Secret") for variable in fields):
        imports.add(facts.names.support, "Secret")
    return filled(
        "project/main.py",
        title=f"The service {facts.name}",
        neighbours_word="clients of other services, " if facts.neighbours else "",
        body=_block(statements, imports),
        imports=imports.text(),
        fields="\n".join(f"    {v.name}: {v.kind}" + ("" if v.default is None else f" = {v.default}") for v in fields),
        app=facts.names.app,
    )


def _block(statements: Sequence[str], imports: Imports) -> str:
    """The body of the function, within a stack of what has to be let go of if there is anything."""
    indent, head = "    ", []
    if any(line.startswith("stack.") for line in statements):
        imports.add("contextlib", "AsyncExitStack")
        indent, head = "        ", ["    async with AsyncExitStack() as stack:"]
    lines = [line for statement in statements for line in statement.split("\n")]
    return "\n".join([*head, *(f"{indent}{line}" for line in lines)])


class _Composition:
    """Args:
    imports: Gets what the statements need.
    """

    def __init__(self, facts: Facts, imports: Imports) -> None:
        self._facts, self._imports, self._support = facts, imports, facts.names.support
        self._before: list[str] = []
        """What has to be made before the service."""

    def statements(self) -> list[str]:
        """Everything from the database to the application."""
        facts = self._facts
        assert facts.loaded.implementation is not None
        if facts.has_store:
            self._before += self._store()
        if facts.has_token:
            self._before.append("token = settings.internal_token.reveal() if settings.internal_token else None")
        arguments = [f"{name}={self._argument(name, wanted)}" for name, wanted in facts.wanted.items()]
        kind = self._imports.need_class(facts.loaded.implementation)
        lines = [*self._before, laid_out(f"service = {kind}(", arguments, ")", margin=8)]
        if self._hook("start"):
            lines.append("await service.start()")
        if self._hook("stop"):
            lines.append("stack.push_async_callback(service.stop)")
        store, token = "store" if facts.has_store else "None", "token" if facts.has_token else "None"
        lines.append(f"routes = Routes(service, Keys({store}), {token}).routes()")
        if facts.has_store:
            self._imports.add(f"{self._support}.keys", "prune_hourly")
            lines += ["pruning = asyncio.create_task(prune_hourly(store))", "stack.callback(pruning.cancel)"]
        return [
            *lines,
            laid_out("pages = [", [f'Route("{path}", {page})' for path, page in _PAGES], "]", margin=8),
            "app = Starlette(routes=[*routes, *pages], exception_handlers={404: _not_found})",
            "app.router.redirect_slashes = False",
            "yield app",
        ]

    def _hook(self, name: str) -> bool:
        loaded = self._facts.loaded
        return name not in loaded.contract.operations and hasattr(loaded.implementation, name)

    def _store(self) -> list[str]:
        facts, schema = self._facts, "[]"
        if facts.schema:
            self._imports.add(f"{self._support}.store.schema", "load_schema")
            schema = f'load_schema(ROOT / "{facts.schema}")'
        close = "stack.push_async_callback(store.close)"
        if facts.dialect == "postgres":
            self._imports.add(f"{self._support}.store.postgres", "PostgresStore")
            return [
                "password = settings.database_password.reveal() if settings.database_password else None",
                f"store = await PostgresStore.open(settings.database_url, password, {schema})",
                close,
            ]
        self._imports.add(f"{self._support}.store.sqlite", "SqliteStore")
        path = 'path = Path(settings.database_url.removeprefix("sqlite:///"))'
        return [path, f"store = await SqliteStore.open(path, {schema})", close]

    def _argument(self, parameter: str, wanted: Any) -> str:
        """What a parameter of the constructor gets."""
        if wanted is Store:
            return "store"
        if wanted is Clock:
            self._imports.add(self._support, "SystemClock")
            return "SystemClock()"
        if wanted is Logger:
            self._imports.add(self._support, "Logger")
            return f'Logger("{self._facts.name}")'
        if is_contract(wanted):
            return self._client(parameter, next(n for n in self._facts.neighbours if n.info.cls is wanted))
        given = self._facts.given_to(wanted)
        shown = f", {literal(given)}" if given else ""
        return f'load_settings({self._imports.need_class(wanted)}, "{identifier(self._facts.name).upper()}"{shown})'

    def _client(self, parameter: str, neighbour: Neighbour) -> str:
        name = identifier(neighbour.service)
        self._imports.add(f"{self._support}.calls", "Peer")
        self._imports.add(f".clients.{name}", client_name(neighbour.info))
        made = [f'"{neighbour.service}"', f"settings.{name}_url", "token" if neighbour.internal else "None"]
        if neighbour.url is not None:
            made.append(f"settings.{name}_token.reveal() if settings.{name}_token else None")
        self._before.append(laid_out(f"{parameter}_peer = Peer(", made, ")", margin=8))
        self._before.append(f"stack.push_async_callback({parameter}_peer.close)")
        return f"{client_name(neighbour.info)}({parameter}_peer)"


def literal(value: Any) -> str:
    """A plain value as source, with the quotes of formatters."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    return repr(value)
