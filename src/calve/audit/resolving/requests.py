"""Views that are transactions as a whole, because of Django's ATOMIC_REQUESTS.

Which functions and classes are views is read from the modules that map URLs to them, those with `urlpatterns` and
routers; classes of modules called `views` are taken for views by their names, since many are mapped by other means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..reading.facts import Class, FileFacts
from .modules import Modules, Symbol

SETTING = "ATOMIC_REQUESTS"
_NO_TRANSACTION = "non_atomic_requests"
_VIEW = re.compile(r".*(?:View|ViewSet|Viewset|API|Api|Endpoint|Handler|Feed)")
_ROUTERS = ("urls", "routers", "router")


def atomic_views(modules: Modules) -> Iterator[tuple[Symbol, int, int]]:
    """The views of a project in which every request is a transaction; none where the settings do not say so.

    Yields: view, first and last line; sorted, each once.
    """
    if not any(map(_says_so, modules.facts.values())):
        return
    functions = {Symbol(m, f.name): f for m, facts in modules.facts.items() for f in facts.functions}
    classes = {Symbol(m, cls.name): cls for m, facts in modules.facts.items() for cls in facts.classes}
    views = {symbol for symbol, cls in classes.items() if _is_view(modules.facts[symbol.module], symbol, cls)}
    for symbol in _mapped(modules):
        name = Symbol(symbol.module, symbol.name.removesuffix(".as_view"))
        if name in functions or (name in classes and (name != symbol or _VIEW.fullmatch(name.name))):
            views.add(name)
    for view in sorted(views):
        function = functions.get(view)
        span = function or classes[view]
        decorators = function.decorators if function else ()
        if not any(link.name == _NO_TRANSACTION for d in decorators for link in d.links[-1:]):
            yield view, span.line, span.end


def _is_view(facts: FileFacts, symbol: Symbol, cls: Class) -> bool:
    """Whether a class is called a view, or what it inherits is, where views are."""
    here = "views" in symbol.module.split(".") or "urlpatterns" in facts.defined
    return here and any(_VIEW.fullmatch(name) for name in (symbol.name, *cls.bases))


def _says_so(facts: FileFacts) -> bool:
    """Whether a module sets it: in the dictionary of a database, or in a class of settings."""
    in_class = (field for cls in facts.classes for field in cls.fields if field.name == SETTING)
    return facts.flags.get(SETTING) == "True" or any(field.value == "True" for field in in_class)


def _mapped(modules: Modules) -> Iterator[Symbol]:
    """Everything that URL configurations name, outside of the functions and classes they may have themselves."""
    for module, facts in modules.facts.items():
        if "urlpatterns" in facts.defined or module.rpartition(".")[2] in _ROUTERS:
            inner = [*((f.line, f.end) for f in facts.functions), *((c.line, c.end) for c in facts.classes)]
            for dotted, line in facts.uses:
                found = modules.resolve(module, dotted)
                if isinstance(found, Symbol) and found.name and not any(a <= line <= b for a, b in inner):
                    yield found
