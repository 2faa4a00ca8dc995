"""Retry: which failed attempts are worth another one, and how long to pause before it.

    the error                              a query, or an idempotent command        another command
    not retryable, or passed on            no                                       no
    it certainly did not run               yes                                      yes
    the connection broke                   yes                                      yes: it has a key, made if need be
    it may have run                        yes                                      if its caller gave it a key
    it runs already (InFlight)             yes, if that is an attempt of this very call

*Passed on* is what an operation lets through from a call of its own. Whoever made that call has repeated it, so that
attempts do not multiply from service to service: there is one layer that repeats, the one next to the failure.

Pauses have decorrelated jitter: each is drawn between the shortest pause and three times the one before, so callers
that failed together do not come back together.
Source: M. Brooker, Exponential Backoff and Jitter, AWS Architecture Blog, 2015.
"""

from __future__ import annotations

import random

from ...contract import Operation
from ...core.errors import CallError, CircuitOpen, InFlight, Unavailable
from ...core.policy import EffectivePolicy


def worth_repeating(error: CallError, operation: Operation, *, keyed: bool, attempt: int) -> bool:
    """Whether the same call may be sent again after this error.

    Args:
        keyed: Whether the caller gave the call an idempotency key; one made by the guard does not count.
        attempt: Which one failed, counted from 1.
    """
    if not error.retryable or error.passed_on or isinstance(error, CircuitOpen):
        return False
    if isinstance(error, InFlight):
        return attempt > 1
    if operation.idempotent or not error.may_have_run:
        return True
    return operation.deduplicated and (keyed or (isinstance(error, Unavailable) and error.lost))


def next_pause(policy: EffectivePolicy, before: float | None, error: CallError) -> float:
    """How long to wait before the next attempt, seconds.

    Args:
        before: The pause before this attempt; None for the first one.
        error: What it failed with; may know when a repeat has a chance.
    """
    shortest = policy.retry_first_seconds
    pause = random.uniform(shortest, max(3 * (before or shortest), shortest))
    return max(min(pause, policy.retry_pause_seconds_max), error.retry_after_seconds or 0.0)
