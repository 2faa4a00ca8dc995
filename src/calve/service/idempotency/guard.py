"""What stands between the chain and a command's method when the call has an idempotency key.

    run(context, request)
      window     a repeat of what runs here now, or was answered lately, ends here
      store      a repeat of what ran before ends here
      mark       for the first transaction (store room); of two at once in two processes, the later is unwound there
      method     in a task of its own: once its transaction is being committed, a caller who goes away does not stop it,
                 or nobody would ever learn the answer
      answer     written beside the mark, unless the method did so itself (`tx.answer`), and only then given

An answer, and a domain error raised after the commit, are kept. A method that raised and left nothing in the store may
run again; one that left something and did not answer is AnswerLost to repeats.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Coroutine
from hashlib import blake2b
from types import NoneType
from typing import Any

import msgspec

from ...contract import DomainError, Operation
from ...core.canonical import canonical
from ...core.clock import Clock
from ...core.context import CallContext
from ...core.crash import crash_point
from ...core.errors import AnswerLost, InFlight, InvalidArgument, KeyReused, StoreError
from ...core.idempotency import REPLAYED, Mark, MarkState, StoredMark, check_key
from ...core.ids import new_key
from ...observe import Logger
from ...store import Store
from .window import Answered, Slot, Window

Invoke = Callable[[CallContext, Any], Awaitable[Any]]

LINGER_SECONDS = 5.0
"""How long a command goes on that has committed something and whose caller has gone."""
_HAS_EFFECT = (MarkState.COMMITTING, MarkState.KEPT)
_NIL = msgspec.msgpack.encode(None)


class KeyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How much is remembered, and for how long."""

    retention_seconds: float = 24 * 3600.0
    """How long a mark stays in the store."""
    answers_max: int = 10_000
    """Most answers in this process's memory."""
    answers_bytes_max: int = 8 << 20
    """Most memory they take."""


class Keys:
    """The commands with keys of one process.

    Args:
        clock: Wall clock for the expiry of marks, monotonic for deadlines.
        log: Gets what nobody waits for any more.
    """

    def __init__(self, clock: Clock, log: Logger, options: KeyOptions | None = None) -> None:
        self.options = options or KeyOptions()
        self.clock, self.log, self.owner = clock, log, new_key()
        self.window = Window(self.options.answers_max, self.options.answers_bytes_max)
        self._left: set[asyncio.Task[Any]] = set()

    def guard(self, service: str, operation: Operation, method: Invoke, store: Store | None) -> Invoke:
        """Put a command's method behind its keys; for calls that have one.

        Args:
            method: From context and request to the answer.
            store: The service's; None when it has none.
        """
        return _Guard(self, service, operation, method, store).run

    def leave(self, task: asyncio.Task[Any], name: str) -> None:
        """Let a command go on whose caller has gone, for `LINGER_SECONDS`."""
        self._left.add(task)
        timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, task.cancel)

        def ended(task: asyncio.Task[Any]) -> None:
            timer.cancel()
            self._left.discard(task)
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, DomainError):
                self.log.exception("command failed after its caller had gone", error=error, operation=name)

        task.add_done_callback(ended)

    async def close(self) -> None:
        """Wait for commands that were left to themselves; they end by their own time limit."""
        while self._left:
            await asyncio.wait(self._left)


class _Guard:
    """One operation's."""

    __slots__ = ("_answer", "_errors", "_keys", "_known", "_method", "_name", "_operation", "_store", "_version")

    def __init__(self, keys: Keys, service: str, operation: Operation, method: Invoke, store: Store | None) -> None:
        self._keys, self._operation, self._method, self._store = keys, operation, method, store
        self._name, self._version = f"{service}.{operation.name}", str(operation.version)
        self._answer, self._errors = operation.response_codec, operation.errors_by_name
        self._known = _NIL if operation.response in (None, NoneType) else None

    async def run(self, context: CallContext, request: Any) -> Any:
        """Answer one call that has a key.

        Raises: InvalidArgument, InFlight, KeyReused, AnswerLost; what the method raises; what it raised then.
        """
        key, principal, window = check_key(context.idempotency_key), context.principal, self._keys.window
        encoded = canonical(request)
        seen = hash(encoded)
        slot = (self._name, None if principal is None else principal.subject, key)
        answered = window.find(slot)
        if answered is not None:
            if answered.request != seen:
                raise self._reused(key)
            return self._replay(context, key, answered.answer, answered.error)
        running = window.running.get(slot)
        if running is not None:
            if running != seen:
                raise self._reused(key)
            raise InFlight(f"{self._name} is running under idempotency key {key}")
        window.running[slot] = seen
        if self._store is None:
            try:
                answer = await self._method(context, request)
                self._remember(slot, seen, answer)
                return answer
            finally:
                del window.running[slot]
        return await self._run_apart(context, request, slot, seen, encoded)

    async def _run_apart(self, context: CallContext, request: Any, slot: Slot, seen: int, encoded: bytes) -> Any:
        """Run in a task of its own, and come back when that has ended or, with nothing to lose, is cancelled."""
        mark = context.mark = self._mark(context, slot, encoded)
        ended = asyncio.get_running_loop().create_future()

        def end(_: asyncio.Task[Any]) -> None:  # a task that is cancelled before its first step runs no line of its own
            del self._keys.window.running[slot]
            if not ended.done():
                ended.set_result(None)

        task = _start(self._run_marked(context, request, mark, slot, seen))
        task.add_done_callback(end)
        try:
            try:
                await ended
            except CancelledError:
                if task.done():
                    raise
                if mark.state in _HAS_EFFECT:
                    self._keys.leave(task, self._name)
                    raise
                task.cancel()
                try:
                    await asyncio.wait((task,))
                except CancelledError:
                    self._keys.leave(task, self._name)
                    raise
                if task.cancelled():
                    raise
            return task.result()
        finally:
            del task  # its error's traceback refers to this frame

    async def _run_marked(self, context: CallContext, request: Any, mark: Mark, slot: Slot, seen: int) -> Any:
        assert self._store is not None
        try:
            found = await self._store.find_mark(mark)
            if found is not None:
                return self._stored(context, mark, found, slot, seen)
            try:
                answer = await self._method(context, request)
            except BaseException as error:
                if mark.stored is None:
                    if mark.state is MarkState.KEPT:
                        await self._keep_failure(mark, slot, seen, error)
                    raise
            if mark.stored is not None:
                return self._stored(context, mark, mark.stored, slot, seen)
            if mark.state in _HAS_EFFECT and mark.answered is not answer and self._known is None:
                crash_point("command.before_answer")
                await self._keep(mark, answer)
            self._remember(slot, seen, answer)
            crash_point("command.before_response")
            return answer
        finally:
            mark.state = MarkState.OVER

    def _mark(self, context: CallContext, slot: Slot, encoded: bytes) -> Mark:
        keys, (_, subject, key) = self._keys, slot
        now_ms = int(keys.clock.now().timestamp() * 1000)
        left = context.deadline - keys.clock.monotonic() + LINGER_SECONDS
        return Mark(
            self._operation.name if subject is None else f"{self._operation.name}/{subject}",
            key,
            f"{self._version}:{blake2b(encoded, digest_size=16).hexdigest()}",
            owner=keys.owner,
            now_ms=now_ms,
            due_ms=now_ms + int(left * 1000),
            expires_ms=now_ms + int(keys.options.retention_seconds * 1000),
            answer=self._known,
            encode=self._answer.encode,
        )

    # Keeping ---------------------------------------------------------------------------------------------------------

    async def _keep(self, mark: Mark, answer: Any) -> None:
        try:
            encoded = self._answer.encode(answer)
        except InvalidArgument:
            return  # whoever gets it finds out, too, and says so
        await self._write(mark, encoded, None)

    async def _keep_failure(self, mark: Mark, slot: Slot, seen: int, error: BaseException) -> None:
        """Keep a domain error; after any other, tell repeats, here and in other processes, that the answer is lost."""
        kind = type(error).__name__
        declared = self._errors.get(kind)
        if isinstance(error, DomainError) and declared is not None and declared[0] is type(error):
            try:
                fields = declared[1].encode(error.fields())
            except InvalidArgument:
                pass
            else:
                await self._write(mark, fields, kind)
                self._keys.window.keep(slot, Answered(seen, fields, kind))
                return
        await self._write(mark, None, None)

    async def _write(self, mark: Mark, answer: bytes | None, error: str | None) -> None:
        """Write the answer into the store. If that fails, the caller gets it all the same: the command did run."""
        assert self._store is not None
        try:
            await self._store.keep_answer(mark, answer, error)
        except StoreError as failure:
            self._keys.log.error("answer not stored", error=failure, operation=self._name, key=mark.key)

    def _remember(self, slot: Slot, seen: int, answer: Any) -> None:
        try:
            encoded = _NIL if answer is None else self._answer.encode(answer)
        except InvalidArgument:
            return
        self._keys.window.keep(slot, Answered(seen, encoded))

    # Repeats ---------------------------------------------------------------------------------------------------------

    def _stored(self, context: CallContext, mark: Mark, stored: StoredMark, slot: Slot, seen: int) -> Any:
        """What another run has left."""
        assert self._store is not None
        key = mark.key
        version, _, _ = stored.fingerprint.partition(":")
        # Another minor version may encode the same request differently, so across a deployment only the key counts.
        same = stored.fingerprint == mark.fingerprint
        if version == self._version and not same:
            raise self._reused(key)
        if stored.answer is not None:
            if same:
                self._keys.window.keep(slot, Answered(seen, stored.answer, stored.error))
            return self._replay(context, key, stored.answer, stored.error)
        if not self._store.exclusive and stored.owner != mark.owner and mark.now_ms < stored.due_ms:
            raise InFlight(f"{self._name} is running under idempotency key {key} in another process")
        raise self._lost(key)

    def _replay(self, context: CallContext, key: str, answer: bytes, error: str | None) -> Any:
        try:
            if error is None:
                decoded = self._answer.decode(answer)
            else:
                kind, codec = self._errors[error]
                decoded = kind.from_fields(codec.decode(answer))
        except (InvalidArgument, KeyError) as failure:  # the contract has changed since
            raise self._lost(key) from failure
        context.mark = REPLAYED
        if error is not None:
            raise decoded
        return decoded

    def _reused(self, key: str) -> KeyReused:
        return KeyReused(f"idempotency key {key} was given to another request of {self._name}; take a new one")

    def _lost(self, key: str) -> AnswerLost:
        return AnswerLost(
            f"{self._name} ran before under idempotency key {key} and had an effect, but its answer is not known"
        )


if sys.version_info >= (3, 12):

    def _start(body: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `body` at once up to its first suspension."""
        return asyncio.Task(body, eager_start=True)

else:

    def _start(body: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return asyncio.create_task(body)
