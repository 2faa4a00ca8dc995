"""An event is published in the transaction that it tells of: both are kept, or neither.

    $ calve run --topology split &
    $ calve call members.join name=Ada
    $ calve call letters.box name=Ada wait_seconds=10

Start it with `calve run` and the answers are the same: the event then stays in the process.
"""

from __future__ import annotations

from calve import Store

from .contract import AlreadyAMember, Joined, Members, Name


class MembersService(Members):
    """One table, and one event for each row."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def join(self, name: Name) -> int:
        async with self._store.transaction() as tx:
            if await tx.one("SELECT number FROM member WHERE name = :name", name=name):
                raise AlreadyAMember(name=name)
            number = await tx.one("INSERT INTO member (name) VALUES (:name) RETURNING number", int, name=name)
            assert number is not None
            tx.publish(Joined(name=name, number=number), key=name)
        return number
