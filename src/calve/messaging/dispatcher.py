"""The dispatcher of one shard: events into the handlers of one service, each exactly once in effect, each key in order.

    feed.read ──> batch of up to 64 ──> one transaction: handlers ── mark ──> commit
                   │ one of them fails
                   ├──> again with a savepoint each: the others are kept, its key is held back
                   │      held key: tried again after 50 ms … 30 s; events behind it wait, other keys go on
                   └──> failed too often, or cannot be decoded: the key is parked, until somebody looks

A batch is tried without savepoints first, because a failure is rare and each would cost two statements. The mark stays
below the first event that is held; what is done above it is listed, so that a restart repeats nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

import msgspec

from ..core.clock import Clock
from ..core.context import CallContext, _current
from ..core.crash import crash_point
from ..core.errors import CallError, InvalidArgument, StoreError
from ..core.trace import TraceContext, parse_traceparent
from ..observe import Logger
from ..store import Store, Transaction, inbox
from ..store.log import LogTruncated, Record
from .base import Feed
from .batch import NOT_THE_HANDLER, DispatchOptions, Failure, HandlerFailed, Outcome
from .handlers import Handler
from .held import HeldKeys
from .lease import ShardLease
from .metrics import ConsumerMetrics
from .parking import add, park
from .progress import Overtaken, Progress
from .suspects import DEATHS_MAX, Suspects


class Dispatcher:
    """See the module. One task runs it.

    Args:
        store: The consumer's own.
        feed: The log it reads.
        handlers: By type of event.
        alone: What all dispatchers of a process share: one suspect at a time, or the innocent would be counted, too.
    """

    def __init__(
        self,
        store: Store,
        feed: Feed,
        shard: int,
        handlers: Mapping[str, Handler],
        *,
        clock: Clock,
        log: Logger,
        metrics: ConsumerMetrics,
        options: DispatchOptions,
        alone: asyncio.Lock,
    ) -> None:
        self._store, self._feed, self._shard, self._handlers = store, feed, shard, handlers
        self._clock, self._log, self._metrics, self._options = clock, log, metrics, options
        self._progress = Progress(store, feed.source, shard)
        self._lease = ShardLease(store, f"events {feed.source} {shard}", clock, options.lease_seconds)
        self._alone = alone
        self._suspects = Suspects(store, feed.source, shard)
        self._held = HeldKeys()
        self._parked: set[str] = set()
        self._begun = False
        self._position = 0
        """Events up to this one have been taken up."""
        self._skipped: list[int] = []
        """Taken up, handled by nobody here, and not written down yet: reading them again costs little."""

    async def run(self) -> None:
        """Work until cancelled; what goes wrong outside of handlers is logged, and tried again."""
        try:
            await self._run()
        finally:
            with suppress(StoreError):
                if self._begun:
                    await self._progress.end()
                await self._lease.drop()

    async def _run(self) -> None:
        while True:
            try:
                if not await self._lease.hold():
                    await asyncio.sleep(self._options.look_seconds)
                    continue
                await self._load()
                while True:
                    await self._step()
            except LogTruncated as error:
                self._log.error("events lost to this consumer", source=self._feed.source, error=error)
                await self._progress.skip(error.floor)
            except Overtaken:
                await asyncio.sleep(self._options.pause_seconds)
            except (StoreError, CallError) as error:
                self._log.warning("events wait", source=self._feed.source, shard=self._shard, error=error)
                await asyncio.sleep(self._options.pause_seconds)
            except Exception as error:  # noqa: BLE001  (a fault of ours must not stop all events for good)
                self._log.exception("events wait", error=error, source=self._feed.source, shard=self._shard)
                await asyncio.sleep(self._options.pause_seconds)

    async def _load(self) -> None:
        self._held.clear()
        self._skipped.clear()
        await self._progress.load()
        if not self._begun:
            if await self._progress.begin():
                self._suspects.accuse(self._options.batch_max)
            self._begun = True
        self._position = self._progress.mark
        rows = await self._store.all(inbox.PARKED_KEYS, source=self._feed.source, shard=self._shard)
        self._metrics.parked_keys += len(rows) - len(self._parked)
        self._parked = {row.key for row in rows}

    async def _step(self) -> None:
        options = self._options
        if not await self._lease.hold():
            raise Overtaken("another process has taken over")
        await self._try_held()
        await self._try_parked()
        if self._position - self._progress.mark - len(self._skipped) >= options.ahead_max and self._held.events:
            await self._park(self._held.oldest())
            return
        first = self._held.due_first
        wait = options.look_seconds if first is None else first[1].due - self._clock.monotonic()
        wait = max(0.0, min(wait, options.look_seconds))
        records = await self._feed.read(self._shard, self._position, options.read_max, wait, self._progress.mark)
        if records:
            await self._take(records)
        elif self._skipped:
            await self._write_skipped()

    async def _take(self, records: Sequence[Record]) -> None:
        """Take up events that follow the position."""
        batch: list[Record] = []
        for record in records:
            if self._progress.covers(record.offset):
                continue
            if record.type not in self._handlers:
                self._skipped.append(record.offset)
                self._metrics.skipped += 1
            elif record.key in self._held and record.key not in self._parked:
                self._held.append(record)
            else:
                batch.append(record)
        while batch:
            size = 1 if self._suspects else self._options.batch_max
            # A key may have been held back by the batch before.
            chunk = [record for record in batch[:size] if not self._hold(record)]
            del batch[:size]
            if chunk and self._suspects:
                await self._handle_suspect(chunk[0])
            elif chunk:
                await self._handle(chunk)
        self._position = records[-1].offset
        if len(self._skipped) >= self._options.read_max:
            await self._write_skipped()
        self._metrics.held = self._held.events
        self._metrics.lag_ms = max(0, int(self._clock.now().timestamp() * 1000) - records[-1].at_ms)

    def _hold(self, record: Record) -> bool:
        if record.key in self._held:
            self._held.append(record)
            return True
        return False

    async def _handle(self, chunk: list[Record]) -> None:
        """Handle a batch: in one go, else one by one."""
        try:
            outcome = await self._store.transact(partial(self._in_one_go, chunk))
        except NOT_THE_HANDLER:
            raise
        except Exception as error:  # noqa: BLE001  (a handler's, or what its changes led to at the commit)
            if len(chunk) > 1:
                await self._handle_apart(chunk)
                return
            cause = error.__cause__ if isinstance(error, HandlerFailed) else error
            await self._blame(Failure(chunk[0], [], cause if isinstance(cause, Exception) else error))
            return
        await self._keep(outcome)

    async def _handle_suspect(self, record: Record) -> None:
        """Handle an event that may have killed the process before."""
        async with self._alone:
            if record.key not in self._parked and await self._suspects.convicted(record):
                error = f"the process died {DEATHS_MAX} times while it was handled"
                self._held.failed(record, [], error, self._clock.monotonic())
                await self._park(record.key)
            else:
                await self._handle([record])
            await self._suspects.acquit(record)

    async def _handle_apart(self, chunk: list[Record]) -> None:
        try:
            outcome = await self._store.transact(partial(self._one_by_one, chunk))
        except NOT_THE_HANDLER:
            raise
        except Exception:  # noqa: BLE001  (it is not known yet whose)
            # Something that no savepoint contains, such as a constraint that is checked at the commit.
            for record in chunk:
                if not self._hold(record):
                    await self._handle([record])
            return
        await self._keep(outcome)

    async def _in_one_go(self, chunk: list[Record], tx: Transaction) -> Outcome:
        outcome = Outcome()
        for record in chunk:
            try:
                await self._call(record, tx)
            except NOT_THE_HANDLER:
                raise
            except Exception as error:
                raise HandlerFailed from error
            outcome.handled.append(record)
        return await self._write(outcome, tx)

    async def _one_by_one(self, chunk: list[Record], tx: Transaction) -> Outcome:
        outcome = Outcome()
        for record in chunk:
            if record.key in outcome.failures:
                outcome.failures[record.key].behind.append(record)
                continue
            try:
                async with tx.savepoint():
                    await self._call(record, tx)
            except NOT_THE_HANDLER:
                raise
            except Exception as error:  # noqa: BLE001  (whatever the author's code raises)
                outcome.failures[record.key] = Failure(record, [], error)
            else:
                outcome.handled.append(record)
        return await self._write(outcome, tx)

    async def _write(self, outcome: Outcome, tx: Transaction) -> Outcome:
        offsets = [*self._skipped, *(record.offset for record in outcome.handled)]
        crash_point("event.before_mark")
        outcome.written = await self._progress.write(tx, offsets)
        crash_point("event.before_commit")
        return outcome

    async def _keep(self, outcome: Outcome) -> None:
        """A batch is committed."""
        crash_point("event.committed")
        self._progress.wrote(outcome.written)
        self._skipped.clear()
        self._metrics.handled += len(outcome.handled)
        for record in outcome.handled:
            self._held.handled(record)
        for failure in outcome.failures.values():
            await self._blame(failure)

    async def _call(self, record: Record, tx: Transaction) -> None:
        """Run the handler of an event, or put the event behind those of its parked key."""
        if record.key in self._parked:
            await add(tx, self._feed.source, [record])
            return
        handler = self._handlers[record.type]
        event = handler.codec.decode_json(record.data)
        context = CallContext(handler.name, trace=_trace(record))
        context.caller = f"{self._feed.source}.{record.type}"
        token = _current.set(context)
        try:
            await handler.run(event, tx)
        finally:
            _current.reset(token)

    async def _blame(self, failure: Failure) -> None:
        """An event has failed by itself: hold its key back, or park it."""
        record, error = failure.record, failure.error
        self._metrics.failed += 1
        held = self._held.failed(record, failure.behind, _describe(error), self._clock.monotonic())
        final = isinstance(error, InvalidArgument) or held.attempts >= self._options.attempts_max
        if not final:
            self._log.warning(
                "event failed, its key waits",
                source=self._feed.source,
                type=record.type,
                key=record.key,
                attempts=held.attempts,
                again_seconds=round(held.pause, 3),
                error=error,
            )
            return
        await self._park(record.key)

    async def _park(self, key: str) -> None:
        held = self._held[key]
        records, now_ms = list(held.records), int(self._clock.now().timestamp() * 1000)

        async def work(tx: Transaction) -> tuple[int, set[int]]:
            await park(tx, self._feed.source, key, records, held.error, held.attempts, now_ms)
            return await self._progress.write(tx, [*self._skipped, *(record.offset for record in records)])

        self._progress.wrote(await self._store.transact(work))
        self._skipped.clear()
        self._held.let_go(key)
        self._parked.add(key)
        self._metrics.parked_keys += 1
        self._log.error(
            "key parked: its events wait for `calve events retry`",
            source=self._feed.source,
            key=key,
            events=len(records),
            why=held.error,
        )

    async def _try_held(self) -> None:
        """Try the keys whose time has come."""
        while (first := self._held.due_first) is not None and first[1].due <= self._clock.monotonic():
            records = list(first[1].records)[: self._options.batch_max]
            await self._handle(records[:1])
            if first[0] in self._held and self._held[first[0]].attempts == 0:
                self._held[first[0]].due = 0.0  # it works again: on with what is behind

    async def _try_parked(self) -> None:
        """Handle the events of parked keys that somebody asks to be tried again."""
        if not self._parked:
            return
        source = self._feed.source
        rows = await self._store.all(inbox.PARKED_KEYS, source=source, shard=self._shard)
        for key in [row.key for row in rows if row.due]:
            while key in self._parked:
                try:
                    if await self._store.transact(partial(self._unpark_one, key)):
                        self._parked.discard(key)
                        self._metrics.parked_keys -= 1
                except NOT_THE_HANDLER:
                    raise
                except Exception as error:  # noqa: BLE001  (whatever the author's code raises)
                    self._metrics.failed += 1
                    async with self._store.transaction() as tx:
                        await park_again(tx, source, key, self._shard, _describe(error))
                    break

    async def _unpark_one(self, key: str, tx: Transaction) -> bool:
        """Handle the first event of a parked key; whether it was the last."""
        source = self._feed.source
        records = await tx.all(inbox.PARKED, Record, source=source, key=key, limit=2)
        self._parked.discard(key)
        try:
            for record in records[:1]:
                await self._call(record, tx)
                await tx.execute(inbox.UNPARK, source=source, shard=self._shard, offset=record.offset)
        finally:
            self._parked.add(key)
        if len(records) > 1:
            return False
        await tx.execute(inbox.FREE_KEY, source=source, key=key)
        return True

    async def _write_skipped(self) -> None:
        outcome = await self._store.transact(partial(self._write, Outcome()))
        self._progress.wrote(outcome.written)
        self._skipped.clear()


async def park_again(tx: Transaction, source: str, key: str, shard: int, error: str) -> None:
    """A parked key was tried again, in vain."""
    await tx.execute(inbox.PARK_KEY, source=source, key=key, shard=shard, error=error, attempts=1, now_ms=0)


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _trace(record: Record) -> TraceContext | None:
    try:
        headers = msgspec.json.decode(record.headers, type=dict[str, str])
    except msgspec.MsgspecError:
        return None
    return parse_traceparent(headers.get("traceparent", ""), headers.get("tracestate", ""))
