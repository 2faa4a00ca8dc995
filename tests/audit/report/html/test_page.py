"""The page as a whole: well formed, self-contained, and safe whatever things are called."""

from __future__ import annotations

from html.parser import HTMLParser

import msgspec
import pytest
from audit_projects import DJANGO

from calve.audit.base import Gap
from calve.audit.report.document import Advice, Document, Evidence
from calve.audit.report.html import render

from ..conftest import Documented

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=y>'&amp;\x1b"


class Reader(HTMLParser):
    """Notes elements and attributes, and that every element is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.ids: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def test_it_is_well_formed_and_its_links_lead_somewhere(document: Document) -> None:
    page = read(render(document))
    assert len(page.ids) == len(set(page.ids))
    links = {value[1:] for name, value in page.attributes if name == "href" and value}
    assert links <= set(page.ids)
    assert {"verdict", "now", "matrix", "data", "candidates", "known", "method"} <= links


def test_it_loads_nothing_and_runs_nothing(document: Document) -> None:
    html = render(document)
    page = read(html)
    assert page.tags & {"script", "link", "img", "iframe", "object", "embed", "base", "form"} == set()
    assert {name for name, _ in page.attributes if name.startswith("on") or name in ("src", "style")} == set()
    assert all(value and value.startswith("#") for name, value in page.attributes if name == "href")
    assert "url(" not in html
    assert "@import" not in html
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_names_are_only_names(document: Document) -> None:
    path = f"a/{HOSTILE}.py"
    candidate = msgspec.structs.replace(document.candidates[0], name=HOSTILE, units=[HOSTILE, HOSTILE])
    table = document.tables[1]
    hostile = msgspec.structs.replace(
        document,
        project=HOSTILE,
        do_now=[Advice("one way", path, 1, HOSTILE)],
        units=[msgspec.structs.replace(document.units[0], name=HOSTILE)],
        edges=[msgspec.structs.replace(document.edges[0], source=HOSTILE, target=HOSTILE)],
        tables=[msgspec.structs.replace(table, model=HOSTILE, foreign_writes=[Evidence(path, 1, HOSTILE)])],
        coverage=msgspec.structs.replace(document.coverage, gaps=[Gap(HOSTILE, path, 1, HOSTILE)]),
        verdict=msgspec.structs.replace(document.verdict, sentence=HOSTILE),
        candidates=[candidate],
    )
    page = read(render(hostile))
    assert page.tags & {"script", "img"} == set()
    assert {name for name, _ in page.attributes if name.startswith("on")} == set()
    assert page.text.count("<script>alert(1)</script>") >= 8
    assert "\x1b" not in page.text


def test_a_hostile_file_name_reaches_every_output_harmlessly(documented: Documented) -> None:
    name = "shop/orders/<b onclick=x>&.py"
    document = documented({**DJANGO, name: "from shop.stock.models import Item\nx = 1\n" + "y = 1\n" * 30})
    assert any(pair.path == name for edge in document.edges for pair in edge.pairs)
    assert ("onclick", "x") not in read(render(document)).attributes


def test_every_part_of_the_document_is_there(document: Document) -> None:
    text = read(render(document)).text
    verdict = document.verdict
    assert verdict.sentence in text
    for said in (*verdict.would_change, *(reason.text for reason in verdict.readiness_reasons)):
        assert said in text
    for advice in document.do_now:
        assert f"{advice.path}:{advice.line} {advice.what}" in text
    for table in document.tables:
        assert table.model in text
    assert "1 of 5 writes of models: what is saved or deleted could not be told" in text
    assert "dependencies between units8" in text
    assert "transactions over several units1shop/orders/views.py:8place: shop.orders, shop.stock" in text
    assert "days from commit to production?" in text
    assert "saga3 to 10" in text, "the guesses that days are made from"


@pytest.mark.parametrize("field", ["candidates", "tables", "do_now", "edges", "groups"])
def test_what_there_is_none_of_is_said(document: Document, field: str) -> None:
    read(render(msgspec.structs.replace(document, **{field: []})))


def test_the_same_document_gives_the_same_page(document: Document) -> None:
    assert render(document) == render(document)
