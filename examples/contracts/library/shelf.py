"""A promise written down, and what happens when it changes.

    $ calve contract lock
    $ sed -i s/max_length=80/max_length=8/ library/shelf.py
    $ calve contract check
    $ sed -i s/max_length=8/max_length=800/ library/shelf.py
    $ calve contract check
    $ calve contract export shelf --format proto | grep '= [0-9]'

The lock is a file under version control, contracts/shelf.lock.json. A title of at most eight letters breaks who sends
longer ones; one of eight hundred breaks nobody.
"""

from __future__ import annotations

from typing import Annotated, Protocol

from calve import Contract, Message, Meta, command, query

Title = Annotated[str, Meta(max_length=80)]
Copies = Annotated[int, Meta(ge=1)]


class Book(Message):
    """What stands on the shelf."""

    title: Title
    pages: int


class Shelf(Contract, Protocol, version="1.0"):
    """Books in order."""

    @command(http="POST /books")
    async def put(self, book: Book, copies: Copies = 1) -> None:
        """Put a book there."""
        ...

    @query(http="GET /pages")
    async def pages(self) -> int:
        """How many there are to read."""
        ...


class ShelfService(Shelf):
    """Keeps the promise."""

    def __init__(self) -> None:
        self._books: list[Book] = []

    async def put(self, book: Book, copies: int = 1) -> None:
        self._books += [book] * copies

    async def pages(self) -> int:
        return sum(book.pages for book in self._books)
