"""Pages find each other: every link leads somewhere, and every page is reached from the index."""

from __future__ import annotations

import re
from pathlib import Path

from .conftest import PAGES, REPOSITORY

_LINK = re.compile(r"(?<!!)\[[^\]]+\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]+)?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def _without_code(text: str) -> str:
    return re.sub(r"(?ms)^```.*?^```$", "", text)


def _anchors(path: Path) -> set[str]:
    titles = _HEADING.findall(_without_code(path.read_text(encoding="utf-8")))
    return {"#" + re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def _links(path: Path) -> list[tuple[Path, str]]:
    found = _LINK.findall(_without_code(path.read_text(encoding="utf-8")))
    return [((path.parent / target).resolve() if target else path, anchor) for target, anchor in found]


def test_every_link_leads_somewhere() -> None:
    for page in [*PAGES, REPOSITORY / "CHANGELOG.md"]:
        for target, anchor in _links(page):
            assert target.exists(), f"{page.name}: {target} is not there"
            assert not anchor or anchor in _anchors(target), f"{page.name}: {target.name} has no heading {anchor}"


def test_every_page_is_reached_from_the_index() -> None:
    seen, todo = set[Path](), [REPOSITORY / "docs" / "index.md"]
    while todo:
        page = todo.pop()
        if page not in seen and page.suffix == ".md":
            seen.add(page)
            todo += [target for target, _ in _links(page) if target.is_file()]
    assert {p for p in PAGES if p.is_relative_to(REPOSITORY / "docs")} - seen == set()


def test_decisions_are_numbered_once_and_have_four_parts() -> None:
    pages = sorted((REPOSITORY / "docs" / "decisions").glob("0*.md"))
    numbers = [p.name[:4] for p in pages]
    assert len(set(numbers)) == len(numbers) > 10, "two decisions of one number"
    assert numbers == [f"{n:04}" for n in range(1, len(numbers) + 1)], "numbers without gaps"
    for page in pages:
        headings = _HEADING.findall(page.read_text(encoding="utf-8"))
        assert headings[0].startswith(f"{page.name[:4]}: "), page.name
        assert headings[1:] == ["Status", "Context", "Decision", "Consequences"], page.name
