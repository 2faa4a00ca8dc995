"""The terminal screen: what is on it, that it fits, and that names are only names."""

from __future__ import annotations

import io

import msgspec
from rich.console import Console

from calve.audit.report.document import Advice, Document
from calve.audit.report.screen import show
from calve.audit.report.words import count

from .conftest import Documented


def _shown(document: Document, width: int = 100, *, colours: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=colours, highlight=False)
    show(document, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_verdict_is_the_first_line(document: Document) -> None:
    assert _shown(document).partition("\n")[0] == f"shop: {document.verdict.sentence}"


def test_every_part_is_there_in_order(document: Document) -> None:
    shown = _shown(document)
    parts = [
        "separability",
        "What depends on what",
        "Candidates in order",
        "To free shop.stock",
        "Worth doing",
        "Not known",
    ]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)


def test_the_bill_is_one_line(document: Document) -> None:
    line = next(line for line in _shown(document).splitlines() if line.startswith("  shop.stock "))
    assert line.split() == ["shop.stock", "50%", "of", "4", "2", "2/0", "1/0", "0", "1/0", "1", "?", "10-31"]
    line = next(line for line in _shown(document).splitlines() if line.startswith("  shop.reports "))
    assert "0?" in line, "none seen is not none"


def test_a_part_that_is_separable_is_called_so(document: Document) -> None:
    free = msgspec.structs.replace(document.candidates[0], edges_to_break=0)
    shown = _shown(msgspec.structs.replace(document, candidates=[free]))
    assert "shop.stock is separable; what still ties it to the rest: 1 edge of 1 module" in shown
    assert "To free" not in shown


def test_gaps_are_said_as_gaps(document: Document) -> None:
    shown = _shown(document)
    assert "  1 of 5 writes of models: what is saved or deleted could not be told" in shown
    assert "  1 of 7 relations between models: their target could not be told" in shown
    assert "  no history: not a git repository" in shown


def test_it_fits_on_a_screen_whatever_the_project_has(document: Document) -> None:
    many = msgspec.structs.replace(
        document,
        candidates=document.candidates * 20,
        units=document.units * 40,
        do_now=document.do_now * 30,
    )
    lines = _shown(many).splitlines()
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 100
    assert f"and {len(many.candidates) - 4} more;" in "\n".join(lines)


def test_a_pipe_gets_no_colours(document: Document) -> None:
    assert "\x1b" not in _shown(document)
    assert "\x1b[" in _shown(document, colours=True)


def test_names_are_neither_markup_nor_commands_for_the_terminal(document: Document) -> None:
    hostile = Advice("one way", "a/\x1b[2J[red]b.py", 1, "x\ny")
    shown = _shown(msgspec.structs.replace(document, do_now=[hostile], project="[bold]p\x1b]0;t\x07"))
    assert "\x1b" not in shown
    assert "[red]b.py:1" in shown
    assert shown.startswith("[bold]p\N{REPLACEMENT CHARACTER}]0;t")
    assert "x\ny" not in shown


def test_a_project_without_parts_has_no_candidates(documented: Documented) -> None:
    shown = _shown(documented({"a.py": "x = 1\n"}))
    assert "What depends on what: 1 unit, no cycle; no dependencies between them (0% of all)" in shown
    assert "Candidates: no part is large enough to be one" in shown


def test_counts_read_as_words() -> None:
    assert [count(0, "unit"), count(1, "unit"), count(2, "dependency")] == ["no units", "1 unit", "2 dependencies"]
