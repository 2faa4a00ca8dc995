"""A service's own database: schema files, transactions, rows as messages.

    $ calve run &
    $ calve call notes.add texts='["milk", "bread"]'
    $ calve call notes.add texts='["tea", "milk"]'
    $ calve call notes.notes

schema/0001_notes.sql is applied and checked at start; the data is in data/notes.db, which no other service can open.
The second call is refused as a whole: leaving the block with an error undoes what it has done.
"""

from __future__ import annotations

from typing import Protocol

from calve import Contract, DomainError, Message, Store, command, query


class Note(Message):
    """One line of the list."""

    number: int
    text: str


class AlreadyThere(DomainError):
    """The list has this note already."""

    status = 409
    text: str


class Notes(Contract, Protocol, version="1.0"):
    """A shopping list."""

    @command(http="POST /notes", raises=[AlreadyThere])
    async def add(self, texts: tuple[str, ...]) -> int:
        """Add all notes or none; answers with how many there are."""
        ...

    @query(http="GET /notes")
    async def notes(self) -> tuple[Note, ...]:
        """The list."""
        ...


class NotesService(Notes):
    """SQL first: named parameters in, messages out."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, texts: tuple[str, ...]) -> int:
        async with self._store.transaction() as tx:
            for text in texts:
                if not await tx.execute("INSERT INTO note (text) VALUES (:text) ON CONFLICT DO NOTHING", text=text):
                    raise AlreadyThere(text=text)
            return len(await tx.all("SELECT number, text FROM note", Note))

    async def notes(self) -> tuple[Note, ...]:
        return tuple(await self._store.all("SELECT number, text FROM note ORDER BY number", Note))
