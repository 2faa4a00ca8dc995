"""The plan to strangle a candidate out of a monolith: steps in order, each with every place that has to change.

Each step can be released on its own, and none needs the ones after it. Until step 8 everything stays one process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..base import Place
from ..findings import Findings
from ..pricing.bill import Item, Saga
from ..report.words import count, plain
from ..structure.freeing import hinges
from .operations import Surface


def plan_text(found: Findings, surface: Surface) -> str:
    """The plan, as Markdown."""
    steps = (_freeze, _turn_round, _own_writes, _call_contract, _calls_out, _keys, _transactions, _move, _strangle)
    parts = [f"# Taking {plain(surface.name)} out", "", *_introduction(found, surface)]
    for number, step in enumerate(steps, 1):
        title, *rest = step(found, surface)
        parts += ["", f"## {number}. {title}", "", *rest]
    return "\n".join([*parts, "", *_unseen(found), ""])


def _introduction(found: Findings, surface: Surface) -> Iterator[str]:
    verdict = found.verdict
    yield f"The audit's verdict: **{plain(verdict.sentence)}** This plan is what it would take all the same."
    yield ""
    yield f"Units: {', '.join(f'`{plain(unit)}`' for unit in sorted(surface.members))}. Places are lines of the"
    yield "audited tree; tick them off, and audit again: what is done is gone from the next plan."


def _freeze(found: Findings, surface: Surface) -> Iterator[str]:
    yield "Keep it from getting worse"
    yield "Run `calve audit --json baseline.json --contracts contracts.toml` once, and in every build"
    yield "`calve audit --baseline baseline.json --fail-on new-cross-edge,new-shared-table` and"
    yield "`lint-imports --config contracts.toml`."


def _turn_round(found: Findings, surface: Surface) -> Iterator[str]:
    yield "Break what ties it most"
    listed = hinges(found.graph, surface.members, share=0.0)
    if not listed:
        yield "No import crosses its boundary."
    for hinge in listed:
        yield f"- [ ] `{plain(hinge.module)}` {hinge.direction} {count(len(hinge.others), 'module')}:"
        yield from (f"  - {place} `{plain(other)}`" for place, other in zip(hinge.places, hinge.others, strict=True))


def _own_writes(found: Findings, surface: Surface) -> Iterator[str]:
    yield "Let each table be written by one side"
    yield from _items((f"`{plain(model)}`", items) for model, items in surface.bill.shared_tables.items())
    yield from _named("Raw SQL that names tables of the other side", surface.bill.sql)
    if not surface.bill.shared_tables and not surface.bill.sql:
        yield "No table is seen to be written by both sides."


def _call_contract(found: Findings, surface: Surface) -> Iterator[str]:
    yield "Put the contract in between"
    if not surface.operations:
        yield "Nobody outside calls it: it needs no contract. What it is sent and what it sends is below."
        yield from _rest_of_contract(surface)
        return
    operations = count(len(surface.operations), "operation")
    yield f"`{surface.service}/contract.py` has {operations}. Answer its `Unknown`s, implement it with the code as it"
    yield "is, and replace each use by a call; in one process that costs next to nothing."
    yield ""
    yield from _places((f"`{draft.name}` for `{plain(draft.symbol)}`", draft.places) for draft in surface.operations)
    yield from _rest_of_contract(surface)


def _rest_of_contract(surface: Surface) -> Iterator[str]:
    if surface.left_over:
        yield ""
        yield "No operations, and to be moved, copied or dropped:"
        yield ""
        yield from _places((f"`{plain(symbol)}`", places) for symbol, places in surface.left_over.items())
    if surface.events:
        yield ""
        yield "Heard by others, and to become events:"
        yield ""
        yield from _places((f"`{event.name}` for {plain(event.heard)}", event.places) for event in surface.events)
    yield from _named("Tasks", surface.bill.tasks)
    yield from _named("Inheritance across the boundary, to be duplicated", surface.bill.inheritance)
    yield from _named("Routes", surface.bill.urls)


def _calls_out(found: Findings, surface: Surface) -> Iterator[str]:
    yield "Give it contracts for what it uses of others"
    uses: dict[str, list[Item]] = {}
    for item in surface.bill.calls_out:
        uses.setdefault(item.what.partition(" -> ")[2], []).append(item)
    if not uses:
        yield "It uses nothing of others, the kernel apart."
    yield from _items((f"`{plain(symbol)}`", uses[symbol]) for symbol in sorted(uses))


def _keys(found: Findings, surface: Surface) -> Iterator[str]:
    yield "Turn foreign keys into ids, and joins into calls"
    bill = surface.bill
    yield "An id that nobody checks goes stale: decide for each who tells whom that something was deleted."
    yield from _named("Keys from others", bill.keys_in)
    yield from _named("Keys to others", bill.keys_out)
    yield from _named("Keys to users: once for all of them", bill.identity)
    yield from _named("Joins: two calls, or a copy to read from that events keep fresh", bill.joins)


def _transactions(found: Findings, surface: Surface) -> Iterator[str]:
    yield "Turn transactions of both sides into sagas"
    sagas = sorted(surface.bill.sagas, key=lambda saga: (not saga.certain, saga.place))
    if not sagas:
        yield "None was seen. That is not none: trace the tests, `calve audit trace -- pytest`, before relying on it."
    for saga in sagas:
        yield from _saga(saga)


def _saga(saga: Saga) -> Iterator[str]:
    sure = "writes on both sides" if saga.certain else "touches both sides"
    yield f"- [ ] {saga.place} `{plain(saga.function) or 'module level'}`, {sure}:"
    for number, step in enumerate(saga.steps, 1):
        undo = "; undo: ?" if step.what.startswith("writes") else ""
        yield f"  {number}. {plain(step.what)} at {step.place}{undo}"


def _move(found: Findings, surface: Surface) -> Iterator[str]:
    yield "Give it a database of its own"
    owned = sorted(model.table for symbol, model in found.models.all.items()
                   if model.table and found.graph.of.get(symbol.module) in surface.members)  # fmt: skip
    if not owned:
        yield "It has no tables: it is rather a library than a service. Consider a package of its own instead."
        return
    yield "Copy these tables, keep the copy fresh, read from it, then write to it, each behind a switch:"
    yield ""
    yield from (f"- [ ] `{plain(table)}`" for table in owned)


def _strangle(found: Findings, surface: Surface) -> Iterator[str]:
    yield "Move it out, and be able to move it back"
    yield f"Name `{surface.service}` in a unit of its own in a second topology of calve.toml. Send it a copy of"
    yield "the traffic and compare the answers; then a share of it, then all. The first topology moves it back."


def _named(title: str, items: list[Item]) -> Iterator[str]:
    if items:
        yield ""
        yield f"{title}:"
        yield ""
        yield from (f"- [ ] {item.place} {plain(item.what)}" for item in items)


def _items(groups: Iterable[tuple[str, list[Item]]]) -> Iterator[str]:
    for title, items in groups:
        yield f"- [ ] {title}:"
        yield from (f"  - {item.place} {plain(item.what)}" for item in items)


def _places(groups: Iterable[tuple[str, list[Place]]]) -> Iterator[str]:
    for title, places in groups:
        yield f"- [ ] {title}: {', '.join(map(str, places))}"


def _unseen(found: Findings) -> Iterator[str]:
    yield "## What this plan does not see"
    yield ""
    blind = sum(not transaction.accesses for transaction in found.data.transactions)
    writes = count(len(found.data.unresolved), "write")
    yield f"- {writes} whose model could not be told, {count(blind, 'transaction')} without a known access."
    yield "- Calls through registries, `getattr`, configuration; views and triggers of the database; who else reads it."
    yield "- How much is asked how often: a loop over a call that was free becomes a loop over the network."
