"""What outsiders use of a candidate: functions they call, models they read and write, signals they hear.

function                    an operation of its name; a command when it writes, or when nobody can tell
model that is read          a query for one, and one for many by their ids (joins, foreign keys)
model that is written       a command to save one; another to delete it, where that is done
signal, or hook of a model  an event
anything else               named as left over: classes to inherit from, constants, forms
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from ...core.errors import ConfigError
from ...core.suggest import did_you_mean
from ..base import Place
from ..findings import Findings
from ..pricing.bill import Bill, Market
from ..resolving.modules import Symbol
from .shapes import Shape, shape
from .signatures import UNKNOWN, Parameter, Signature, signature

_ASKS = re.compile(r"(?:get|list|find|is|has|can|count|fetch|search|lookup|check|calculate)(?:_|$)")
_HOOKS = {
    "post_save": "Saved",
    "pre_save": "Saved",
    "post_delete": "Deleted",
    "pre_delete": "Deleted",
    "m2m_changed": "Linked",
}
_DELETES = ("delete", "adelete")


class Draft(msgspec.Struct):
    """One operation."""

    name: str
    kind: Literal["command", "query"]
    parameters: list[Parameter]
    returns: str
    doc: str
    notes: list[str]
    """What it leaves open."""
    symbol: str
    """What it stands in for; dotted."""
    places: list[Place]
    """Where outsiders use that, sorted."""


class EventDraft(msgspec.Struct):
    """One event."""

    name: str
    fields: list[tuple[str, str]]
    heard: str
    """What outsiders hear today."""
    places: list[Place]


class Surface(msgspec.Struct):
    """Everything of a candidate that outsiders use."""

    name: str
    members: frozenset[str]
    service: str
    """Name of the service: the last part of the candidate's, as an identifier."""
    contract: str
    """Name of its contract."""
    operations: list[Draft]
    events: list[EventDraft]
    shapes: list[Shape]
    left_over: dict[str, list[Place]]
    """Symbols that are no operations, and where they are used."""
    bill: Bill


def surface(found: Findings, name: str) -> Surface:
    """Find out what outsiders use of a candidate.

    Args: name: Of a candidate or a unit; its last parts will do when only one ends with them.
    Raises: ConfigError: there is none, or it is the whole project.
    """
    chosen, members = _members(found, name)
    bill = Market(found.modules, found.models, found.data, found.graph, found.user).bill(members)
    service = re.sub(r"\W", "_", chosen.rpartition(".")[2]).lower().strip("_") or "service"
    models = _used_models(found, members, bill)
    shapes = [shape(found, symbol) for symbol in sorted(models)]
    functions = {f"{m}.{f.name}": (m, f.line) for u in members for m in found.graph.units[u].modules
                 for f in found.modules.facts[m].functions}  # fmt: skip
    signals = dict(_heard(found, members))
    drafts = [_function(found, symbol, *functions[symbol], places)
              for symbol, places in bill.operations.items() if symbol in functions]  # fmt: skip
    for symbol in sorted(models):
        drafts += _model(found, members, symbol, models[symbol])
    known = {*functions, *(symbol.dotted for symbol in models), *signals}
    return Surface(
        chosen,
        members,
        service,
        _class_name(service, shapes),
        _unique(drafts),
        [_event(heard, places) for heard, places in sorted(signals.items())],
        shapes,
        {symbol: places for symbol, places in bill.operations.items() if symbol not in known},
        bill,
    )


def _members(found: Findings, name: str) -> tuple[str, frozenset[str]]:
    known = {unit: frozenset({unit}) for unit in found.graph.units} | {
        candidate.name: frozenset(candidate.units) for candidate in found.candidates
    }
    matches = [one for one in known if one == name] or [one for one in known if one.endswith(f".{name}")]
    if len(matches) != 1:
        what = f"several candidates end with {name!r}" if matches else f"no candidate {name!r}"
        raise ConfigError(what, where="--scaffold", fix=did_you_mean(name, matches or list(known)))
    if len(found.graph.units) == 1:
        raise ConfigError(f"{matches[0]} is all there is", where="--scaffold", fix="[audit.units] divides it")
    return matches[0], known[matches[0]]


def _class_name(service: str, shapes: list[Shape]) -> str:
    name = "".join(part.capitalize() for part in service.split("_") if part)
    name = name if name.isidentifier() else f"Service{name}"
    return f"{name}Api" if name in {shape.name for shape in shapes} else name


def _used_models(found: Findings, members: frozenset[str], bill: Bill) -> dict[Symbol, list[Place]]:
    """Concrete models of the candidate that outsiders name, touch, join or have keys to."""
    of, used = found.graph.of, dict[Symbol, set[Place]]()

    def note(symbol: Symbol, module: str, line: int) -> None:
        model = found.models.all.get(symbol)
        if (
            model is not None
            and not model.abstract
            and of.get(symbol.module) in members
            and of.get(module) not in members
        ):
            used.setdefault(symbol, set()).add(Place(found.modules.files[module].path, line))

    for access in found.data.accesses:
        note(access.model, access.module, access.line)
    for join in found.data.joins:
        note(join.target, join.module, join.line)
    for model in found.models.all.values():
        for relation in model.relations:
            if relation.target is not None:
                note(relation.target, model.symbol.module, relation.place.line)
    for symbol in found.models.all:
        places = bill.operations.get(symbol.dotted)
        if places and not found.models.all[symbol].abstract:
            used.setdefault(symbol, set()).update(places)
    return {symbol: sorted(used[symbol]) for symbol in sorted(used)}


def _function(found: Findings, symbol: str, module: str, line: int, places: list[Place]) -> Draft:
    name = symbol.removeprefix(f"{module}.")
    read = signature(Path(found.project.root, found.modules.files[module].path), name, line)
    notes = [f"left out: {', '.join(read.left_out)}"] if read.left_out else []
    kind: Literal["command", "query"] = "query" if _only_reads(found, module, name) else "command"
    return _draft(name.rpartition(".")[2], kind, read, notes, symbol, places)


def _draft(name: str, kind: Literal["command", "query"], read: Signature, notes: list[str], symbol: str,
           places: list[Place]) -> Draft:  # fmt: skip
    return Draft(name.strip("_") or "call", kind, read.parameters, read.returns, read.doc, notes, symbol, places)


def _only_reads(found: Findings, module: str, name: str) -> bool:
    """Whether a function is known to read, or called like one that does, and is not seen to write."""
    function = next(f for f in found.modules.facts[module].functions if f.name == name)
    touched = list(found.data.between(module, function.line, function.end))
    for called in found.data.calls(module, function.line, function.end):
        inner = found.modules.facts.get(called.module)
        for one in inner.functions if inner else ():
            if one.name == called.name:
                touched += found.data.between(called.module, one.line, one.end)
    unresolved = any(m == module and function.line <= line <= function.end for m, line, _ in found.data.unresolved)
    if unresolved or any(access.write for access in touched):
        return False
    return bool(touched) or _ASKS.match(name.rpartition(".")[2]) is not None


def _model(found: Findings, members: frozenset[str], symbol: Symbol, places: list[Place]) -> Iterator[Draft]:
    message = symbol.name.replace(".", "")
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", message).lower()
    key = Parameter("id", "int", "")
    yield Draft(
        f"get_{snake}", "query", [key], f"{message} | None", f"One {snake}, or None.", [], symbol.dotted, places
    )
    many = Parameter("ids", "tuple[int, ...]", "")
    doc = f"Those of these ids that exist: instead of joins and foreign keys to {message}."
    yield Draft(f"get_{snake}_list", "query", [many], f"tuple[{message}, ...]", doc, [], symbol.dotted, places)
    writes = [a for a in found.data.accesses
              if a.write and a.model == symbol and found.graph.of.get(a.module) not in members]  # fmt: skip
    deleting = [a for a in writes if a.said.rpartition(".")[2].partition("(")[0] in _DELETES]
    saving = [a for a in writes if a not in deleting]
    for verb, parameter, accesses, returns in (
        ("save", Parameter(snake, message, ""), saving, message),
        ("delete", key, deleting, "None"),
    ):
        where = sorted({Place(found.modules.files[a.module].path, a.line) for a in accesses})
        if where:
            note = "better named after what it is for, one command per purpose"
            doc = f"{verb.capitalize()} one {snake}."
            yield Draft(f"{verb}_{snake}", "command", [parameter], returns, doc, [note], symbol.dotted, where)


def _heard(found: Findings, members: frozenset[str]) -> Iterator[tuple[str, list[Place]]]:
    """Signals and hooks of models of the candidate that outsiders hear, and where."""
    heard: dict[str, set[Place]] = {}
    for (source, target), edges in found.graph.cross.items():
        if target not in members or source in members:
            continue
        for edge in edges:
            if edge.kind == "signal":
                heard.setdefault(_said(found, edge.source, edge.line, f"{edge.target}.{edge.symbol}"), set()).add(
                    Place(edge.path, edge.line)
                )
    for name in sorted(heard):
        yield name, sorted(heard[name])


def _said(found: Findings, module: str, line: int, symbol: str) -> str:
    """`post_save of shop.orders.models.Order`, or the signal itself."""
    facts = found.modules.facts[module]
    chains = [*facts.chains, *(d for f in facts.functions for d in f.decorators)]
    for chain in chains:
        if chain.line == line:
            said = [chain.root, *(arg for link in chain.links for arg in link.args)]
            hook = next((h for h in _HOOKS for text in said if text.rpartition(".")[2] == h), None)
            if hook is not None:
                return f"{hook} of {symbol}"
    return symbol


def _event(heard: str, places: list[Place]) -> EventDraft:
    hook, _, model = heard.rpartition(" of ")
    last = model.rpartition(".")[2]
    if hook:
        name = f"{last}{_HOOKS[hook]}"
    else:
        name = "".join(part[:1].upper() + part[1:] for part in last.split("_") if part) or "Changed"
    return EventDraft(name, [("id", "int")], heard, places)


def _unique(drafts: list[Draft]) -> list[Draft]:
    """Names told apart by the module, then by a number."""
    seen: set[str] = set()
    for draft in drafts:
        parts = re.sub(r"\W", "_", draft.symbol).lower().split("_")
        name, number = draft.name, 2
        if name in seen:
            name = f"{parts[-2] if len(parts) > 1 else 'other'}_{draft.name}"
        while name in seen:
            name, number = f"{draft.name}_{number}", number + 1
        draft.name = name
        seen.add(name)
    return sorted(drafts, key=lambda draft: (draft.symbol, draft.name))


__all__ = ["Draft", "EventDraft", "Surface", "surface", "UNKNOWN"]
