"""What strings refer to, and the calls that work by name: tasks, signals, URL includes, HTTP.

    "shop.orders.tasks.ship"      a dotted path of the project: string     INSTALLED_APPS, get_class, import_string
    "orders.Order"                a model by its label: string             get_model, lazy references
    ship.delay(), send_task("ship"), signature("ship")                           task
    post_save.connect(.., sender=Order), @receiver(post_save, sender=Order)      signal
    include("shop.orders.urls"), include_router(orders.router)                   url
    requests.post("http://orders/...")                                           http, if it is an own route

Half of the coupling of some projects goes through strings alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..base import Edge, EdgeKind
from ..reading.facts import Chain, FileFacts, Link
from ..reading.vocabulary import HTTP
from .http import Routes
from .models import Models
from .modules import Modules, Symbol

_TASK_CALLS = frozenset({"delay", "apply_async", "delay_on_commit", "signature", "si", "s"})
_CLIENTS = frozenset({"requests", "httpx", "aiohttp", "urllib3", "urllib.request", "session"})


class Names:
    """Finds the edges that names make."""

    def __init__(self, modules: Modules, models: Models) -> None:
        self._modules, self._models = modules, models
        self._tasks = dict(self._task_names())
        self.http: list[tuple[str, int, str]] = []
        """Module, line and URL of HTTP calls."""

    def edges(self) -> Iterator[Edge]:
        """All of them, in the order of the modules."""
        for module, facts in self._modules.facts.items():
            path = self._modules.files[module].path
            for kind, target, symbol, line, how in self._of(module, facts):
                if target != module:
                    yield Edge(module, target, kind, "string" if how == "string" else "exact", symbol, path, line, how)
        yield from Routes(self._modules).edges(self.http)

    def _of(self, module: str, facts: FileFacts) -> Iterator[tuple[EdgeKind, str, str, int, str]]:
        for text, line in facts.strings:
            found = self.named(text)
            if found is not None:
                yield "string", found.module, found.name, line, "string"
        for chain in facts.chains:
            yield from self._chain(module, chain)
        yield from self._loaded_names(facts)
        for function in facts.functions:
            for decorator in function.decorators:
                if decorator.links[-1].name in ("receiver", "connect"):
                    yield from self._signal(module, decorator)

    def named(self, text: str) -> Symbol | None:
        """What a dotted string names: a module, something in one, or a model by its label."""
        text = text.replace(":", ".")
        model = self._models.by_label.get(text.lower()) if text.count(".") == 1 else None
        if model is not None:
            return model
        module, rest = text, ""
        while module and not self._modules.is_module(module):
            module, _, last = module.rpartition(".")
            rest = f"{last}.{rest}" if rest else last
        if "." not in module:
            return None  # "core" or "test.png": too little to go by
        if not rest:
            return Symbol(module, "")
        found = self._modules.definition(module, rest.partition(".")[0]) if module in self._modules.facts else None
        return found if isinstance(found, Symbol) else None

    def _chain(self, module: str, chain: Chain) -> Iterator[tuple[EdgeKind, str, str, int, str]]:
        for link in chain.links:
            if link.name in ("get_model", "get_class", "get_classes") and link.args:
                yield from self._loaded(chain, link)
            elif link.name in ("send_task", "signature") and link.args:
                task = self._tasks.get(link.args[0].removeprefix("'"))
                if task is not None:
                    yield "task", task.module, task.name, chain.line, "string"
            elif link.name in ("include", "include_router", "register_blueprint", "mount"):
                yield from self._routes(module, chain, link)
            elif link.name == "connect" and ("sender" in link.keywords or chain.root):
                yield from self._signal(module, chain)
        first = chain.links[0]
        if first.name in _TASK_CALLS and chain.root:
            found = self._modules.resolve(module, chain.root)
            if isinstance(found, Symbol) and found.name:
                yield "task", found.module, found.name, chain.line, "call"
        self._http(module, chain, first)

    def _loaded(self, chain: Chain, link: Link) -> Iterator[tuple[EdgeKind, str, str, int, str]]:
        """`get_model("orders", "Order")`, `get_class("orders.utils", "Numbers")` with or without packages before."""
        args = [arg[1:] for arg in link.args if arg.startswith("'")]
        if link.name == "get_model":
            model = self._models.by_label.get(".".join(args[:2]).lower())
            if model is not None:
                yield "string", model.module, model.name, chain.line, "string"
            return
        if len(args) < 1:
            return
        for module in self._ending(args[0]):
            yield "string", module, args[1] if len(args) > 1 else "", chain.line, "string"
            return

    def _loaded_names(self, facts: FileFacts) -> Iterator[tuple[EdgeKind, str, str, int, str]]:
        """Uses of `Numbers = get_class("orders.utils", "Numbers")`: they are imports by another name."""
        loaded: dict[str, tuple[str, str]] = {}
        for bind in facts.binds:
            if bind.value.links[-1].name == "get_class":
                for _, target, symbol, _, _ in self._loaded(bind.value, bind.value.links[-1]):
                    loaded[bind.name] = (target, symbol)
        for dotted, line in (*facts.calls, *facts.held) if loaded else ():
            head, _, rest = dotted.partition(".")
            if head in loaded:
                target, symbol = loaded[head]
                yield "name", target, f"{symbol}.{rest}" if rest else symbol, line, "string"

    def _ending(self, tail: str) -> list[str]:
        """The modules whose name is `tail` or ends with it, the shortest first."""
        found = [m for m in self._modules.facts if m == tail or m.endswith("." + tail)]
        return sorted(found, key=lambda m: (len(m), m))

    def _routes(self, module: str, chain: Chain, link: Link) -> Iterator[tuple[EdgeKind, str, str, int, str]]:
        for arg in link.args[:1]:
            text = arg.removeprefix("'")
            found = self.named(text) if arg.startswith("'") else self._modules.resolve(module, text)
            if isinstance(found, Symbol):
                yield "url", found.module, found.name, chain.line, "string" if arg.startswith("'") else "call"

    def _signal(self, module: str, chain: Chain) -> Iterator[tuple[EdgeKind, str, str, int, str]]:
        link = chain.links[-1]
        senders = [link.keywords.get("sender", "")]
        signals = [chain.root] if link.name == "connect" else list(link.args[:1])
        for said in (*senders, *signals):
            if not said:
                continue
            model = self._models.named(module, said)[0]
            found = model or self._modules.resolve(module, said)
            if isinstance(found, Symbol) and found.name:
                yield "signal", found.module, found.name, chain.line, "string" if said.startswith("'") else "call"

    def _http(self, module: str, chain: Chain, first: Link) -> None:
        root = chain.root.rpartition(".")[2].lower() or first.name
        known = chain.root in _CLIENTS or root.endswith(("client", "session", "http")) or first.name == "urlopen"
        if first.name in HTTP and known and first.args and first.args[0].startswith(("'http", "'/")):
            self.http.append((module, chain.line, first.args[0][1:]))

    def _task_names(self) -> Iterator[tuple[str, Symbol]]:
        """The names under which Celery knows the project's tasks."""
        for module, facts in self._modules.facts.items():
            for function in facts.functions:
                for decorator in function.decorators:
                    link = decorator.links[-1]
                    if link.name in ("task", "shared_task", "periodic_task"):
                        name = link.keywords.get("name", "").removeprefix("'") or f"{module}.{function.name}"
                        yield name, Symbol(module, function.name)
