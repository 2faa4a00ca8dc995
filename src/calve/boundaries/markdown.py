"""The catalogue as a Markdown page with a Mermaid map, for a wiki or a repository."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .mermaid import service_map


def markdown(catalogue: Mapping[str, Any]) -> str:
    """Render what `catalog` made."""
    return "\n".join(_page(catalogue)) + "\n"


def _page(catalogue: Mapping[str, Any]) -> Iterator[str]:
    app, services = catalogue["app"], catalogue["services"]
    yield f"# {_text(app['name'])} {_text(app['version'])}"
    yield ""
    if app["description"]:
        yield from (app["description"], "")
    yield from ("```mermaid", *service_map(catalogue), "```", "")
    rows = [
        (f"[{_text(s['name'])}](#{_anchor(s['name'])})", _text(s["owner"] or "-"), _contract(s), _names(s, "calls"))
        for s in services
    ]
    yield from _table(("service", "owner", "contract", "calls"), rows)
    for service in services:
        yield from ("", *_service(service))
    yield from ("", "## Topologies", "")
    units = [
        (_text(topology), _text(unit), _text(", ".join(names)))
        for topology, by_unit in catalogue["topologies"].items()
        for unit, names in by_unit.items()
    ]
    yield from _table(("topology", "unit", "services"), units)


def _service(service: Mapping[str, Any]) -> Iterator[str]:
    contract = service["contract"]
    yield f"## {_text(service['name'])}"
    yield ""
    if contract and contract["description"]:
        yield from (_prose(contract["description"]), "")
    if service["kind"] == "adopted":
        yield from ("An existing application, adopted as it is.", "")
    if service["kind"] == "remote":
        yield from ("Fulfilled by an HTTP service elsewhere.", "")
    yield f"- owner: {_text(service['owner'] or 'none')}"
    yield f"- package: {_code(service['package'])}"
    if contract:
        yield f"- contract: {_contract(service)}"
    if service["store"]:
        yield f"- store: {_code(service['store'])}"
    if service["publishes"]:
        yield f"- publishes: {', '.join(map(_code, service['publishes']))}"
    units = ", ".join(f"{_text(unit)} ({_text(topology)})" for topology, unit in service["units"].items())
    if units:
        yield f"- unit, by topology: {units}"
    for title, key in (("calls", "calls"), ("called by", "called_by")):
        for call in service[key]:
            yield f"- {title} {_text(call['service'])}: {_operations(service['name'], call, key)}"
    if service["operations"]:
        yield ""
        yield from _table(
            ("operation", "kind", "REST", "role", "errors", "what it does"),
            [
                (
                    _code(o["name"]),
                    o["kind"] + (" (stream)" if o["streaming"] else ""),
                    _code(o["http"]) if o["http"] else "-",
                    _code(o["role"]) if o["role"] else "-",
                    ", ".join(f"{_text(e['name'])} ({e['status']})" for e in o["errors"]) or "-",
                    _prose(o["description"]),
                )
                for o in service["operations"]
            ],
        )


def _operations(name: str, call: Mapping[str, Any], key: str) -> str:
    """`place` calls `reserve`, …; what is not known is said."""
    shown = [f"{_code(o['from'] or 'any')} → {_code(o['to'] or 'any')}" for o in call["operations"]]
    declared = "" if call["declared"] else " (not declared)"
    return (", ".join(shown) or "declared") + declared


def _contract(service: Mapping[str, Any]) -> str:
    contract = service["contract"]
    return "-" if contract is None else _text(f"{contract['name']} {contract['version']}")


def _names(service: Mapping[str, Any], key: str) -> str:
    return ", ".join(_text(call["service"]) for call in service[key]) or "-"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _text(text: str) -> str:
    """Text that means itself in Markdown, in a table too."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", " ".join(text.split()))


def _prose(text: str) -> str:
    """Text that its author may have written as Markdown; it ends no cell and starts no HTML."""
    return text.replace("|", "\\|").replace("<", "\\<")


def _code(text: str) -> str:
    """Text between back quotes; a bar would end the cell of a table even there."""
    return f"`{text.replace('`', chr(39))}`".replace("|", "\\|")


def _anchor(name: str) -> str:
    """How GitHub and GitLab call a heading."""
    return re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-")
