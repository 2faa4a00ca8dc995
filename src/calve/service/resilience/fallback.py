"""Fallback: the answer of a query that gets none, given in its place by the caller's side.

    fallback = Prices(items=())            that answer
    fallback = last_known_prices           what a function of the operation's arguments returns

Only for failures that are nobody's answer: the callee cannot be reached, is overloaded, too slow or broken. A function
is a plain one, not async: a second call that hangs is not what somebody needs whose first one did.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import msgspec

from ...contract import Operation
from ...core.errors import CallError, DeadlineExceeded, InternalError, InvalidArgument, Overloaded, Unavailable

STANDS_IN_FOR = (Unavailable, Overloaded, DeadlineExceeded, InternalError)

Fallback = Callable[[Any], Any]
"""From a request to the answer. Raises: whatever the application's function does; InvalidArgument."""


def make_fallback(operation: Operation, given: Any) -> Fallback | None:
    """Compile what a policy says; None when it says nothing.

    Raises: ValueError: what it says is no answer of this operation, or no operation of this kind may have one.
    """
    if given is msgspec.UNSET:
        return None
    if operation.kind == "command":
        raise ValueError("a command has no fallback: nobody else can say that it has run")
    if operation.streaming:
        raise ValueError("a stream has no fallback")
    copy = operation.response_codec.copy
    if not callable(given):
        try:
            copy(given)
        except InvalidArgument as error:
            raise ValueError(f"the fallback is no answer of {operation.contract}.{operation.name}: {error}") from None
        return lambda request: copy(given)
    if inspect.iscoroutinefunction(given):
        raise ValueError("the fallback is an async function; a plain one answers at once")
    try:
        inspect.signature(given).bind(**dict.fromkeys(operation.params))
    except TypeError as error:
        raise ValueError(f"the fallback does not take the arguments of the operation: {error}") from None
    return lambda request: copy(given(**{name: getattr(request, name) for name in operation.params}))


def stands_in(error: CallError) -> bool:
    """Whether a fallback may answer instead of this error."""
    return isinstance(error, STANDS_IN_FOR)
