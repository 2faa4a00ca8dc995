"""What stands on the caller's side of every call, of a service in this process as of one elsewhere.

    guards.py     the guards of one process: one per operation and caller
    unary.py      one call: breaker, slot, attempts, fallback
    stream.py     the same for a stream, which is never repeated
    breaker.py    lets no call through while too many fail
    slots.py      how many calls are in flight, and how many wait for that
    budget.py     how many attempts may be repeated, per service
    retry.py      which errors are worth another attempt, and after which pause
    fallback.py   the answer of a query that gets none
    counts.py     what all of that counts, and where it is shown

What a policy says is in `calve.core.policy`.
"""

from .guards import Guards

__all__ = ["Guards"]
