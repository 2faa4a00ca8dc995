"""The map of services as a Mermaid flowchart: owners as boxes around their services, calls as arrows.

    flowchart LR
      subgraph o1["team-payments"]
        s1["wallet<br/>Wallet 1.0"]
      end
      s2 -->|"debit, refund"| s1            a dashed arrow: which operations are called is not certain

Ids are made up (a service named `end` would end the diagram), labels are quoted and escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

LABEL_OPERATIONS_MAX = 4
"""So many operations are named on an arrow; then only their number."""

_SHAPES = {"service": ('["', '"]'), "adopted": ('[["', '"]]'), "remote": ('(["', '"])')}


def service_map(catalogue: Mapping[str, Any]) -> Iterator[str]:
    """The lines of the diagram, made from what `catalog` returns."""
    services = catalogue["services"]
    ids = {service["name"]: f"s{number}" for number, service in enumerate(services, 1)}
    owners: dict[str, list[Mapping[str, Any]]] = {}
    for service in services:
        owners.setdefault(service["owner"] or "", []).append(service)
    yield "flowchart LR"
    for number, (owner, owned) in enumerate(owners.items(), 1):
        if owner:
            yield f'  subgraph o{number}["{_label(owner)}"]'
        for service in owned:
            yield f"{'    ' if owner else '  '}{ids[service['name']]}{_node(service)}"
        if owner:
            yield "  end"
    for service in services:
        for call in service["calls"]:
            yield f"  {ids[service['name']]} {_arrow(call)} {ids[call['service']]}"


def _node(service: Mapping[str, Any]) -> str:
    before, after = _SHAPES[service["kind"]]
    contract = service["contract"]
    shown = _label(service["name"])
    if contract is not None:
        shown += f"<br/>{_label(contract['name'])} {_label(contract['version'])}"
    return f"{before}{shown}{after}"


def _arrow(call: Mapping[str, Any]) -> str:
    names = list(dict.fromkeys(o["to"] for o in call["operations"]))
    if not names or None in names:
        return "-.->"
    shown = ", ".join(names) if len(names) <= LABEL_OPERATIONS_MAX else f"{len(names)} operations"
    return f'-->|"{_label(shown)}"|'


def _label(text: str) -> str:
    """Text between quotation marks: everything that Mermaid or HTML could read something into, as its number."""
    plain = " ".join(text.split())
    return "".join(c if c.isalnum() or c in " .,:/()_-+" else f"#{ord(c)};" for c in plain)
