"""The map of services: what is drawn, and that Mermaid itself can read it, whatever things are called."""

from __future__ import annotations

import re
from typing import Any

import mermaidx  # type: ignore[import-untyped]
import pytest

from calve.boundaries.mermaid import service_map

NODE = r's\d+(\["[^"]*"\]|\[\["[^"]*"\]\]|\(\["[^"]*"\]\))'
LINE = re.compile(
    rf'flowchart LR|  (  )?{NODE}|  subgraph o\d+\["[^"]*"\]|  end|  s\d+ (-->\|"[^"]*"\||-\.->) s\d+', re.DOTALL
)


def service(name: str, **fields: Any) -> dict[str, Any]:
    """A service of a catalogue, as far as the map looks."""
    contract = {"name": name.capitalize(), "version": "1.0"}
    return {"name": name, "kind": "service", "owner": None, "contract": contract, "calls": [], **fields}


def call(name: str, *operations: str | None) -> dict[str, Any]:
    """A call of it."""
    return {"service": name, "operations": [{"to": operation} for operation in operations]}


def drawn(*services: dict[str, Any]) -> list[str]:
    """The lines of the map; each is of a form that is known."""
    lines = list(service_map({"services": services}))
    assert [line for line in lines if LINE.fullmatch(line) is None] == []
    return lines


def test_owners_are_boxes_and_calls_are_arrows() -> None:
    assert drawn(
        service("desk", calls=[call("bank", "pay", "pay", "refund"), call("geo", None), call("old")]),
        service("bank", owner="team-money"),
        service("geo", kind="remote"),
        service("old", kind="adopted", contract=None, owner="team-money"),
    ) == [
        "flowchart LR",
        '  s1["desk<br/>Desk 1.0"]',
        '  s3(["geo<br/>Geo 1.0"])',
        '  subgraph o2["team-money"]',
        '    s2["bank<br/>Bank 1.0"]',
        '    s4[["old"]]',
        "  end",
        '  s1 -->|"pay, refund"| s2',
        "  s1 -.-> s3",
        "  s1 -.-> s4",
    ]


def test_many_operations_are_counted() -> None:
    *_, arrow = drawn(service("a", calls=[call("b", *"vwxyz")]), service("b"))
    assert arrow == '  s1 -->|"5 operations"| s2'


NAMES = (
    "end",
    'a"b',
    "a]b",
    "#quot;",
    "`x`",
    "<b>",
    "x;y",
    "%%{init}%%",
    "a\nb",
    "ö",
    "--> s1",
    "graph",
    "&amp;",
    "\\",
)


@pytest.mark.parametrize("name", NAMES)
def test_no_name_gets_out_of_its_label(name: str) -> None:
    lines = drawn(service(name, owner=name, calls=[call(name, name)]))
    assert len(lines) == 5


def test_mermaid_reads_the_map_and_shows_every_name() -> None:
    services = [service(f"n{number}", owner=f"o {name}") for number, name in enumerate(NAMES)]
    services[0]["calls"] = [call("n1", "first operation"), call("n2", None)]
    picture = mermaidx.render("\n".join(service_map({"services": services}))).svg()
    assert all(text in picture for text in ("n13", "N13 1.0", "o graph", "first operation"))
    with pytest.raises(RuntimeError, match="Parse error"):
        mermaidx.render("flowchart LR\n  end --> s1[\n").svg()
