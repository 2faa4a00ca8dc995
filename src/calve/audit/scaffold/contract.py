"""A candidate's contract as a module of Calve: it loads as it is, and says what is still open."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator

from ..report.words import plain
from .operations import Draft, EventDraft, Surface
from .shapes import Shape
from .signatures import UNKNOWN

_FROM = {
    **dict.fromkeys(("date", "datetime", "time", "timedelta"), "datetime"),
    "Decimal": "decimal",
    "UUID": "uuid",
}
_WORD = re.compile(r"[A-Za-z_]\w*")


def contract_text(surface: Surface) -> str:
    """The module `contract.py` of the service; it has to have an operation."""
    body = "\n".join(_body(surface))
    return "\n".join(_head(surface, body)) + body


def _head(surface: Surface, body: str) -> Iterator[str]:
    yield f'"""What {_safe_text(surface.name)} promises, drafted from what others use of it today.'
    yield ""
    yield "Every Unknown is a question: what is it, and has it to be handed over at all? Few operations that are named"
    yield "after what others want are better than many that are named after how it is done today."
    yield '"""'
    yield ""
    words = set(_WORD.findall(body))
    for module in sorted({module for name, module in _FROM.items() if name in words}):
        names = ", ".join(sorted(name for name in words if _FROM.get(name) == module))
        yield f"from {module} import {names}"
    yield "from typing import Protocol"
    yield ""
    kinds = {draft.kind for draft in surface.operations}
    ours = [
        "Contract",
        *(["Event"] if surface.events else []),
        *(["Message"] if surface.shapes else []),
        *sorted(kinds),
    ]
    yield f"from calve import {', '.join(ours)}"
    yield ""
    if UNKNOWN in words:
        yield f"{UNKNOWN} = str"
        yield '"""The source does not say."""'
        yield ""
    yield ""
    yield ""


def _body(surface: Surface) -> Iterator[str]:
    for shape in surface.shapes:
        yield from _message(shape)
    for event in surface.events:
        yield from _event(event)
    publishes = f", publishes=[{', '.join(event.name for event in surface.events)}]" if surface.events else ""
    yield f'class {surface.contract}(Contract, Protocol, version="1.0"{publishes}):'
    yield f"    {_doc(f'What others use of {surface.name}.')}"
    yield ""
    for draft in surface.operations:
        yield from _operation(draft)


def _message(shape: Shape) -> Iterator[str]:
    yield f"class {shape.name}(Message):"
    yield f"    {_doc(f'From {shape.model}; keep what others need.')}"
    yield ""
    yield from (f"    {name}: {kind}" for name, kind in shape.fields)
    yield ""
    yield ""


def _event(event: EventDraft) -> Iterator[str]:
    yield f"class {event.name}(Event):"
    yield f"    {_doc(f'Instead of {event.heard}.')}"
    yield ""
    yield from (f"    {name}: {kind}" for name, kind in event.fields)
    yield ""
    yield ""


def _operation(draft: Draft) -> Iterator[str]:
    yield f"    # {plain(draft.symbol)}: {plain(str(draft.places[0]))}" + (
        f" and {len(draft.places) - 1} more" if draft.places[1:] else ""
    )
    yield from (f"    # {plain(note)}" for note in draft.notes)
    yield f"    @{draft.kind}()"
    parameters = "".join(
        f", {_safe(p.name)}: {p.type}{f' = {p.default}' if p.default else ''}" for p in draft.parameters
    )
    yield f"    async def {_safe(draft.name)}(self{parameters}) -> {draft.returns}:"
    yield f"        {_doc(draft.doc or f'As {draft.symbol} does.')}"
    yield "        ..."
    yield ""


def _safe(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


def _doc(text: str) -> str:
    """A docstring on one line, whatever the text."""
    return f'"""{_safe_text(text)}"""'


def _safe_text(text: str) -> str:
    """Text that cannot end the string it is in."""
    return plain(text).replace("\\", "/").replace('"', "'")
