"""Who reads and writes which models, where queries join, and what each transaction touches.

    Access        one line that reads or writes one model       Order.objects.filter(...), order.save()
    Join          one step of a query from a model to another   .filter(user__email=...), .select_related("lines")
    Transaction   an atomic block, function or view, with every access in its lines and in the functions it calls

What a variable holds is worked out inside one function: from `order = Order(...)`, `order = Order.objects.get(...)`,
`for order in ...`, `order: Order`, and `self` in a model's own methods. What a receiver is cannot always be told; such
writes are counted as unresolved, since "no writes found" must not read as "no writes".
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from typing import Literal

import msgspec

from ..base import Confidence
from ..reading.facts import Bind, Chain, Class, FileFacts, Function, Link
from ..reading.vocabulary import OPENS_TRANSACTION, ORM_READS, ORM_WRITES, SHORTCUTS
from .models import Models
from .modules import Modules, Symbol
from .requests import atomic_views

_SAVES = frozenset({"save", "delete", "asave", "adelete"})
_NO_MODELS = ("super", "self.client", "cache", "os", "shutil", "requests")
"""Receivers that have a `save` or `delete` of another kind."""
_SESSION_WRITES = frozenset({"add", "add_all", "delete", "merge", "bulk_save_objects"})
_SESSION_READS = frozenset({"query", "select", "get", "scalars", "execute", "exists"})
_STATEMENT_WRITES = frozenset({"insert", "update", "delete"})
_RELATED = frozenset(
    {"select_related", "prefetch_related", "joinedload", "selectinload", "subqueryload", "join", "outerjoin"}
)
_LOOKUPS = frozenset(
    [
        "exact",
        "iexact",
        "contains",
        "icontains",
        "in",
        "gt",
        "gte",
        "lt",
        "lte",
        "startswith",
        "istartswith",
        "endswith",
        "iendswith",
        "range",
        "date",
        "year",
        "month",
        "day",
        "week",
        "week_day",
        "quarter",
        "time",
        "hour",
        "minute",
        "second",
        "isnull",
        "regex",
        "iregex",
        "overlap",
        "contained_by",
        "has_key",
        "search",
        "pk",
        "id",
    ]
)


class Access(msgspec.Struct, frozen=True, order=True):
    """One line that touches one model."""

    module: str
    line: int
    model: Symbol
    write: bool
    confidence: Confidence
    said: str


class Join(msgspec.Struct, frozen=True, order=True):
    """One step of a query from one model to another."""

    module: str
    line: int
    source: Symbol
    target: Symbol
    said: str


class Transaction(msgspec.Struct):
    """A stretch of code that commits as one."""

    module: str
    line: int
    end: int
    function: str
    """Qualified name of the function it is, or is in."""
    kind: Literal["block", "function", "request", "runtime"]
    """`request` where the settings make every view one; `runtime` when only a trace knows of it."""
    accesses: list[Access]
    """In its own lines first, then those of functions it calls, then those only a trace knows of."""
    runs: int = 0
    """How often it ran in the trace; 0 also without one."""
    courses: list[list[Access]] = []
    """What it touched each time, where that differs."""


class Data:
    """Accesses, joins and transactions of a project."""

    def __init__(self, modules: Modules, models: Models) -> None:
        self._modules, self._models = modules, models
        self.accesses: list[Access] = []
        self.joins: list[Join] = []
        self.unresolved: list[tuple[str, int, str]] = []
        """Module, line and text of saves and deletes whose receiver is not known."""
        self._by_module: dict[str, list[Access]] = {}
        for module, facts in modules.facts.items():
            reader = _FileReader(module, facts, modules, models)
            for chain in facts.chains:
                reader.read(chain)
            for dotted, line in facts.held:
                reader.follow(dotted, line)
            found = sorted(set(reader.accesses))
            self._by_module[module] = sorted(found, key=lambda access: access.line)
            self.accesses += found
            self.joins += sorted(set(reader.joins))
            self.unresolved += [(module, line, said) for line, said in reader.unresolved]
        self._functions = {Symbol(m, f.name): f for m, facts in modules.facts.items() for f in facts.functions}
        self.transactions = sorted(self._transactions(), key=lambda t: (t.module, t.line))

    def between(self, module: str, first: int, last: int) -> list[Access]:
        """The accesses in some lines of a module."""
        found = self._by_module.get(module, [])
        start = bisect.bisect_left(found, first, key=lambda access: access.line)
        stop = bisect.bisect_right(found, last, key=lambda access: access.line)
        return found[start:stop]

    def _transactions(self) -> Iterator[Transaction]:
        for module, facts in self._modules.facts.items():
            for block in facts.blocks:
                function = _around(facts.functions, block.line)
                name = function.name if function else ""
                if function and OPENS_TRANSACTION.fullmatch(name.rpartition(".")[2]):
                    continue  # a project's own helper around `atomic`
                found = self._touched(module, block.line, block.end, 2, set())
                yield Transaction(module, block.line, block.end, name, "block", found)
            for function in facts.functions:
                if any(OPENS_TRANSACTION.fullmatch(link.name) for d in function.decorators for link in d.links[-1:]):
                    found = self._touched(module, function.line, function.end, 2, set())
                    yield Transaction(module, function.line, function.end, function.name, "function", found)
        for view, line, end in atomic_views(self._modules):
            found = self._touched(view.module, line, end, 2, set())
            if found:
                yield Transaction(view.module, line, end, view.name, "request", found)

    def _touched(self, module: str, first: int, last: int, depth: int, seen: set[Symbol]) -> list[Access]:
        """The accesses in some lines, and in the functions called from there, `depth` calls deep."""
        found = list(self.between(module, first, last))
        if depth == 0:
            return found
        for called in self.calls(module, first, last):
            function = self._functions.get(called)
            if (
                function is not None
                and called not in seen
                and not (called.module == module and first <= function.line <= last)
            ):
                seen.add(called)
                found += self._touched(called.module, function.line, function.end, depth - 1, seen)
        return list(dict.fromkeys(found))

    def calls(self, module: str, first: int, last: int) -> Iterator[Symbol]:
        """The first-party functions that some lines of a module name or call."""
        facts = self._modules.facts[module]
        for dotted, line in facts.uses:
            if first <= line <= last:
                found = self._modules.resolve(module, dotted)
                if isinstance(found, Symbol):
                    yield found
        owner = _around_class(facts.classes, first)
        for name, line in facts.calls:
            if first <= line <= last:
                if not name.startswith("self."):
                    yield Symbol(module, name)
                elif owner is not None:
                    yield Symbol(module, f"{owner.name}.{name[5:]}")


class _FileReader:
    """Works through the chains of one file."""

    def __init__(self, module: str, facts: FileFacts, modules: Modules, models: Models) -> None:
        self._module, self._facts, self._modules, self._models = module, facts, modules, models
        self.accesses: list[Access] = []
        self.joins: list[Join] = []
        self.unresolved: list[tuple[int, str]] = []
        self._followed = set[tuple[Symbol, Symbol]]()
        self._binds: dict[str, list[Bind]] = {}
        for bind in facts.binds:
            self._binds.setdefault(bind.name, []).append(bind)

    def read(self, chain: Chain) -> None:
        """Note what one chain touches."""
        names = [link.name for link in chain.links]
        model, rest, confidence = self._start(chain)
        if model is None:
            self._session(chain)
            save = len(names) == 1 and names[0] in _SAVES and not chain.links[0].args
            if save and chain.root and not chain.root.startswith(_NO_MODELS):
                self.unresolved.append((chain.line, f"{chain.root}.{names[0]}()"))
            return
        said = f"{chain.root}.{names[-1]}" if chain.root else names[-1]
        write = any(link.name in ORM_WRITES for link in rest)
        if write or any(link.name in ORM_READS or link.name in SHORTCUTS for link in rest):
            self._note(chain.line, model, write, confidence, said)
        for link in rest:
            self._joins(chain.line, model, link)

    def follow(self, dotted: str, line: int) -> None:
        """Note the models that attributes of a variable lead to: each is read, and in a query of its own or joined.

        The join counts once per file: what composes two answers in one place serves the next line, too.
        """
        head, *names = dotted.split(".")
        model = self._variable(head, line, 3)
        for name in names:
            target = self._models.step(model, name) if model and not name.endswith("_id") else None
            if model is None or target is None:
                return
            if target != model:
                if (model, target) not in self._followed:
                    self._followed.add((model, target))
                    self.joins.append(Join(self._module, line, model, target, dotted))
                self._note(line, target, False, "inferred", dotted)
            model = target

    def _start(self, chain: Chain, depth: int = 3) -> tuple[Symbol | None, tuple[Link, ...], Confidence]:
        """The model a chain starts from, and what is done to it."""
        first = chain.links[0]
        if chain.root == "":
            if first.name in SHORTCUTS and first.args:
                return self._model_in(first.args[0].split(".objects")[0], chain.line), (first,), "exact"
            if first.name in ("select", "insert", "update", "delete") and first.args:
                return None, (), "exact"
            return self._constructed(first, chain.line), chain.links[1:], "exact"
        if first.name[:1].isupper():
            found = self._model_in(f"{chain.root}.{first.name}", chain.line)
            if found is not None:
                return found, chain.links[1:], "exact"
        model = self._model_in(chain.root, chain.line)
        if model is not None:
            return model, chain.links, "exact"
        model = self._held(chain.root, chain.line if depth == 3 else chain.line - 1, depth)
        return model, chain.links, "inferred"

    def _constructed(self, link: Link, line: int) -> Symbol | None:
        return self._model_in(link.name, line) if link.name[:1].isupper() else None

    def _model_in(self, dotted: str, line: int) -> Symbol | None:
        """The model that a dotted name is, or starts with: `Order`, `models.Order.objects`."""
        found = self._modules.resolve(self._module, dotted)
        if isinstance(found, Symbol):
            parts = found.name.split(".")
            for end in range(len(parts), 0, -1):
                symbol = Symbol(found.module, ".".join(parts[:end]))
                if symbol in self._models.all:
                    return symbol
        head = dotted.partition(".")[0]
        for bind in self._binds.get(head, ()):  # Order = get_model("order", "Order")
            link = bind.value.links[-1]
            if link.name == "get_model" and link.args:
                label = ".".join(arg.removeprefix("'") for arg in link.args[:2])
                return self._models.by_label.get(label.lower())
            if link.name == "get_user_model":
                return self._models.named(self._module, "get_user_model()")[0]
        return None

    def _held(self, dotted: str, line: int, depth: int = 3) -> Symbol | None:
        """The model that a variable holds an instance or a query of, after its attributes are followed."""
        head, _, rest = dotted.partition(".")
        model = self._variable(head, line, depth)
        for name in rest.split(".") if rest and model else []:
            if name in ("objects", "all"):
                continue
            step = self._models.step(model, name) if model else None
            if step is None:
                return None
            model = step
        return model

    def _variable(self, name: str, line: int, depth: int) -> Symbol | None:
        function = _around(self._facts.functions, line)
        if name in ("self", "cls"):
            cls = _around_class(self._facts.classes, line)
            symbol = Symbol(self._module, cls.name) if cls else None
            return symbol if symbol in self._models.all else None
        first = function.line if function else 1
        bind = next((b for b in reversed(self._binds.get(name, ())) if first <= b.line <= line), None)
        if bind is not None and depth:
            held, rest, _ = self._start(bind.value, depth - 1)
            for link in rest:
                held = held and (self._models.step(held, link.name) or held)
            return held
        if function is not None and name in function.annotations:
            return self._models.named(self._module, "'" + function.annotations[name])[0]
        return None

    def _session(self, chain: Chain) -> None:
        """SQLAlchemy: session.query(Order), session.add(order), session.execute(update(Order))."""
        for index, link in enumerate(chain.links):
            rooted = index == 0 and not chain.root
            if link.name in ("query", "select") or (link.name == "get" and chain.root.endswith("session")):
                rest = chain.links[index + 1 :]
                write = any(later.name in ("update", "delete") for later in rest)
                models = [m for arg in link.args if (m := self._model_in(arg.removesuffix("()"), chain.line))]
                for model in models:
                    self._note(chain.line, model, write, "exact", link.name)
                for later in rest:
                    if models:
                        self._joins(chain.line, models[0], later)
            elif link.name in _STATEMENT_WRITES and rooted and link.args:
                self._written(chain.line, self._model_in(link.args[0], chain.line), "exact", link.name)
            elif link.name in _SESSION_WRITES and "session" in chain.root.lower() and link.args:
                said = link.args[0]
                held = self._model_in(said.removesuffix("()"), chain.line) or self._held(said, chain.line)
                self._written(chain.line, held, "inferred", f"{chain.root}.{link.name}({said})")

    def _written(self, line: int, model: Symbol | None, confidence: Confidence, said: str) -> None:
        if model is None:
            self.unresolved.append((line, said))
        else:
            self._note(line, model, True, confidence, said)

    def _joins(self, line: int, model: Symbol, link: Link) -> None:
        if link.name in ("join", "outerjoin"):
            for arg in link.args[:1]:
                target = self._model_in(arg, line)
                if target is not None and target != model:
                    self.joins.append(Join(self._module, line, model, target, f"{link.name}({arg})"))
            return
        paths = [key for key in link.keywords if "__" in key]
        paths += [a[1:].lstrip("-") for a in link.args if a.startswith("'") and ("__" in a or link.name in _RELATED)]
        for path in paths:
            current = model
            for name in path.split("__"):
                target = None if name in _LOOKUPS else self._models.step(current, name)
                if target is None:
                    break
                if target != current:
                    self.joins.append(Join(self._module, line, current, target, path))
                current = target

    def _note(self, line: int, model: Symbol, write: bool, confidence: Confidence, said: str) -> None:
        self.accesses.append(Access(self._module, line, model, write, confidence, said))


def _around(functions: list[Function], line: int) -> Function | None:
    """The innermost function around a line."""
    found = [f for f in functions if f.line <= line <= f.end]
    return max(found, key=lambda f: f.line) if found else None


def _around_class(classes: list[Class], line: int) -> Class | None:
    found = [c for c in classes if c.line <= line <= c.end]
    return max(found, key=lambda c: c.line) if found else None
