"""How far a consumer is in one shard: a mark below which everything is done, and what is done above it."""

from __future__ import annotations

from collections.abc import Iterable

from ..core.errors import StoreError
from ..store import Store, Transaction, inbox


class Overtaken(StoreError):
    """Another process has moved the mark: it handles this shard now, and this transaction is given up."""

    retryable = True


class Progress:
    """The mark of one shard, in memory and in the store.

    Args:
        store: The consumer's own.
        source: The service whose log it is.
    """

    def __init__(self, store: Store, source: str, shard: int) -> None:
        self._store, self._where = store, {"source": source, "shard": shard}
        self.mark = 0
        """Every offset up to this one is done."""
        self.done: set[int] = set()
        """And these above it."""

    async def load(self) -> None:
        """Read what is committed; the first time begins with the first event of all."""
        self.mark = await self._store.one(inbox.MARK, int, **self._where) or 0
        self.done = set(await self._store.all(inbox.DONE, int, **self._where))

    async def begin(self) -> bool:
        """Somebody works at it from now on; whether whoever did so before has ended without `end`: it was killed."""

        async def work(tx: Transaction) -> bool:
            crashed = await tx.one(inbox.RUNNING, int, **self._where) == 1
            await tx.execute(inbox.BEGIN, **self._where)
            return crashed

        return await self._store.transact(work)

    async def end(self) -> None:
        """Nobody works at it any more."""
        async with self._store.transaction() as tx:
            await tx.execute(inbox.END, **self._where)

    def covers(self, offset: int) -> bool:
        """Whether an event is done."""
        return offset <= self.mark or offset in self.done

    async def write(self, tx: Transaction, offsets: Iterable[int]) -> tuple[int, set[int]]:
        """Write that these are done, too.

        Returns: what to give to `wrote` once the transaction is committed.
        Raises: Overtaken.
        """
        new = {offset for offset in offsets if not self.covers(offset)}
        done, mark = self.done | new, self.mark
        while mark + 1 in done:
            mark += 1
            done.discard(mark)
        if mark != self.mark:
            if not await tx.execute(inbox.ADVANCE, **self._where, mark=mark, before=self.mark):
                raise Overtaken("another process has handled these events")
            if self.done:
                await tx.execute(inbox.DROP_DONE, **self._where, mark=mark)
        if above := sorted(offset for offset in new if offset > mark):
            await tx.execute_many(inbox.ADD_DONE, [{**self._where, "number": offset} for offset in above])
        return mark, done

    def wrote(self, written: tuple[int, set[int]]) -> None:
        """The transaction is committed."""
        self.mark, self.done = written

    async def skip(self, offset: int) -> None:
        """Go on after an offset, whatever was before it: the log does not have it any more."""
        async with self._store.transaction() as tx:
            moved = await tx.execute(inbox.ADVANCE, **self._where, mark=offset, before=self.mark)
            await tx.execute(inbox.DROP_DONE, **self._where, mark=offset)
        if moved:
            self.mark, self.done = offset, {number for number in self.done if number > offset}
