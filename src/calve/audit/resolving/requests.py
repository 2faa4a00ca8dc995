"""Views that are transactions as a whole, because of Django's ATOMIC_REQUESTS.

Which functions and classes are views is read from the modules that map URLs to them, those with `urlpatterns` and
routers; classes of modules called `views` are taken for views by their names, since many are mapped by other means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..reading.facts import FileFacts
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
    named = (symbol for symbol in classes if "views" in symbol.module.split(".") and _VIEW.fullmatch(symbol.name))
    mapped = {Symbol(s.module, s.name.removesuffix(".as_view")): s for s in _mapped(modules)}
    for name, symbol in sorted({**{view: view for view in named}, **mapped}.items()):
        function, cls = functions.get(name), classes.get(name)
        if function is not None:
            if not any(link.name == _NO_TRANSACTION for d in function.decorators for link in d.links[-1:]):
                yield name, function.line, function.end
        elif cls is not None and (name != symbol or _VIEW.fullmatch(name.name)):
            yield name, cls.line, cls.end


def _says_so(facts: FileFacts) -> bool:
    """Whether a module sets it: in the dictionary of a database, or in a class of settings."""
    in_class = (field for cls in facts.classes for field in cls.fields if field.name == SETTING)
    return facts.flags.get(SETTING) == "True" or any(field.value == "True" for field in in_class)


def _mapped(modules: Modules) -> Iterator[Symbol]:
    """Everything that URL configurations name."""
    for module, facts in modules.facts.items():
        if "urlpatterns" in facts.defined or module.rpartition(".")[2] in _ROUTERS:
            for dotted, _ in facts.uses:
                found = modules.resolve(module, dotted)
                if isinstance(found, Symbol) and found.name:
                    yield found
