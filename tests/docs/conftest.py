"""Pages taken apart: the fenced blocks of a Markdown file and what the comment before each says about it.

    <!-- in: examples/shop -->       at the top: the commands run in a copy of that folder, not in an empty one
    <!-- file: shop/contract.py -->  the next block is written to that file before the commands that follow
    <!-- from: examples/x.py -->     the next block is an excerpt of that file, word for word; a line `...` skips lines
    <!-- exits: 2 -->                the last command of the next block ends with that status
    <!-- not run: reason -->         the next block is shown only
    <!-- needs: PostgreSQL -->       at the top: the page is left out where no server answers

Without a comment, the `python` blocks of a page are one program, and the lines `$ command` of a `console` block are
run; what follows a command is exactly what it prints, where `...` stands for anything within a line and, alone, for any
lines. A command that ends in ` &` goes on in the background until the page ends. Ports 8000 to 8003 become
free ones.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]

_NOTE = re.compile(r"<!-- (in|file|from|exits|not run|needs): (.+?) -->")


class Block(NamedTuple):
    """One fenced block."""

    line: int
    """Number of its first line of content."""
    language: str
    text: str
    notes: dict[str, str]
    """The comments directly before it."""


class Page(NamedTuple):
    """One Markdown file."""

    name: str
    folder: str | None
    """Where its commands run, relative to the repository; None for an empty folder."""
    blocks: list[Block]
    needs: str | None = None
    """What the machine has to have for it."""


def parse(name: str, text: str) -> Page:
    """Take a page apart."""
    blocks: list[Block] = []
    notes: dict[str, str] = {}
    folder, needs, start, language, content = None, None, 0, "", list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        if start:
            if line.rstrip() == "```":
                blocks.append(Block(start, language, "".join(content), notes))
                start, notes, content = 0, {}, []
            else:
                content.append(line + "\n")
        elif line.startswith("```"):
            start, language = number + 1, line[3:].strip()
        elif note := _NOTE.fullmatch(line.strip()):
            if note[1] == "in":
                folder = note[2]
            elif note[1] == "needs":
                needs = note[2]
            else:
                notes[note[1]] = note[2]
        elif line.strip():
            notes = {}
    return Page(name, folder, blocks, needs)


def read(path: Path) -> Page:
    """One page of the repository."""
    return parse(path.relative_to(REPOSITORY).as_posix(), path.read_text(encoding="utf-8"))


SHOWING = [page for page in map(read, PAGES) if page.blocks]


@pytest.fixture(params=SHOWING, ids=[page.name for page in SHOWING])
def page(request: pytest.FixtureRequest) -> Page:
    """Each page that shows something, in turn."""
    given: Page = request.param
    return given
