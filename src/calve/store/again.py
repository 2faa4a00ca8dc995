"""Running a piece of work again after its transaction collided with another one.

Where one process has the database for itself, transactions run one after another and never collide. Where several
replicas share it, an adapter lets them run side by side and notices when the result could not have come from any order
of them; then one of them fails with `StoreConflict`, has had no effect, and has to be run again. The body of an `async
with` cannot be run again, but whoever called it can: the chain runs an operation again, `Store.transact` a function.

    attempt 1       side by side with others
    attempt 2 …     alone: nobody else writes to this store meanwhile, so it cannot collide
    no attempt      alone from the start, because nobody is there to run it again: outside of operations, and within
                    one that has had an effect already (it committed a transaction, or called a command)

The attempt is in a context variable, which the adapter reads when a transaction begins.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from .errors import StoreConflict, TransactionError

T = TypeVar("T")

ATTEMPTS_MAX = 8
"""Being alone can fail too, when somebody else's transaction does not end; hence more than two, but not for ever."""
_PAUSE_SECONDS = 0.01


class Attempt:
    """One run of a piece of work.

    Args:
        number: From 1.
        outer: The run around it, which has the effects of this one too.
    """

    __slots__ = ("_outer", "final", "number")

    def __init__(self, number: int, outer: Attempt | None) -> None:
        self.number, self._outer = number, outer
        self.final = False
        """Whether it will not be run again: it has had an effect, or has ended and left a task behind."""

    def had_effect(self) -> None:
        """Running it again would repeat something."""
        attempt: Attempt | None = self
        while attempt is not None:
            attempt.final = True
            attempt = attempt._outer


_attempt: ContextVar[Attempt | None] = ContextVar("calve_attempt", default=None)
running_attempt = _attempt.get
"""The attempt this code is in, or None."""


def attempt_number() -> int:
    """The number of the attempt this code is in, from 1; 0 when it would not be run again."""
    attempt = _attempt.get()
    return 0 if attempt is None or attempt.final else attempt.number


async def run_again(work: Callable[[], Awaitable[T]]) -> T:
    """Run `work`, and again as often as a transaction in it collides, at most `ATTEMPTS_MAX` times.

    It is not run again once it has had an effect; what follows in it has the store for itself.

    Raises: what `work` raises; StoreConflict: it still collides.
    """
    number = 1
    while True:
        attempt = Attempt(number, _attempt.get())
        token = _attempt.set(attempt)
        try:
            return await work()
        except (StoreConflict, TransactionError) as error:
            # A block raises TransactionError when the collision was caught inside of it.
            collided = isinstance(error, StoreConflict) or isinstance(error.__cause__, StoreConflict)
            if not collided or attempt.final or number == ATTEMPTS_MAX:
                raise
        finally:
            attempt.final = True
            _attempt.reset(token)
        if number > 1:
            await asyncio.sleep(random.uniform(0, _PAUSE_SECONDS * 2**number))
        number += 1


def running_again(method: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
    """A coroutine function that runs `method`, and again after a collision."""

    @functools.wraps(method)
    async def run(*args: Any, **kwargs: Any) -> T:
        return await run_again(functools.partial(method, *args, **kwargs))

    return run
