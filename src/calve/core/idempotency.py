"""Idempotency keys: what a command carries so that repeating it has no further effect, and what is left of it.

    caller      names the command by a key; each attempt has the same one
    receiver    writes a *mark* (scope, key, fingerprint) in the same transaction as the command's effect, and the
                answer beside it; a repeat finds the mark, and gets the answer instead of running

Here is what the rooms share: the chain (service room) makes the mark of a run, the store places it.

    NEW ──place──> PLACED ──commit──> COMMITTING ──acknowledged──> KEPT          the effect is there, and the mark
     ▲                └──────────rolled back──────────┘                           neither is
     └──place finds another's──> REPEATED                                         nothing happened in this run
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import Any

import msgspec

from .errors import InvalidArgument

KEY_CHARS_MAX = 255
KEY_FIELD = "idempotency_key"
_KEY = re.compile(rf"[\x21-\x7e]{{1,{KEY_CHARS_MAX}}}")


def check_key(key: str) -> str:
    """Return the key. Raises InvalidArgument (field `idempotency_key`) unless it is 1 to 255 visible ASCII letters."""
    if _KEY.fullmatch(key) is None:
        raise InvalidArgument(f"an idempotency key is 1 to {KEY_CHARS_MAX} visible ASCII characters", field=KEY_FIELD)
    return key


class MarkState(Enum):
    """Where a mark is; drawn in the module."""

    NEW = "new"
    PLACED = "placed"
    COMMITTING = "committing"
    KEPT = "kept"
    REPEATED = "repeated"
    OVER = "over"
    """The run has ended; transactions of tasks it left behind are none of the command's."""


class StoredMark(msgspec.Struct, frozen=True):
    """A mark as it is found in a database: that of an earlier run, or of one in another process."""

    fingerprint: str
    owner: str
    """Which process wrote it; see `Mark.owner`."""
    due_ms: int
    """When the run has certainly ended, milliseconds since 1970; 0 once it has."""
    answer: bytes | None = None
    """What the run answered, encoded; None while there is no answer."""
    error: str | None = None
    """Class of the domain error that it answered with; `answer` then has its fields."""


class Repeated(BaseException):
    """Internal: the command ran before under this key; unwinds the handler, whatever `except Exception` it has."""


class Mark:
    """The mark of one run of a command. Belongs to the task that runs it.

    Args:
        scope: Operation and principal; what one user did is not there for another.
        key: Of the command; checked.
        fingerprint: Of the request; another request under the same key is refused.
        owner: Id of the process, new with each start.
        now_ms: Milliseconds since 1970, as are the others.
        due_ms: When this run will certainly have ended.
        expires_ms: Until when the mark is kept.
        answer: Encoded answer if it is known before the run; that of a command that answers None.
        encode: Encodes an answer. Raises InvalidArgument.
    """

    __slots__ = (
        "answer",
        "answered",
        "due_ms",
        "encode",
        "expires_ms",
        "fingerprint",
        "key",
        "now_ms",
        "owner",
        "scope",
        "state",
        "stored",
        "transaction",
    )

    def __init__(
        self,
        scope: str,
        key: str,
        fingerprint: str,
        *,
        owner: str,
        now_ms: int,
        due_ms: int,
        expires_ms: int,
        answer: bytes | None = None,
        encode: Callable[[Any], bytes] = msgspec.msgpack.encode,
    ) -> None:
        self.scope, self.key, self.fingerprint, self.owner = scope, key, fingerprint, owner
        self.now_ms, self.due_ms, self.expires_ms, self.answer, self.encode = now_ms, due_ms, expires_ms, answer, encode
        self.state = MarkState.NEW
        self.stored: StoredMark | None = None
        """What was found instead, when REPEATED."""
        self.transaction: object = None
        """The transaction it was placed in, while that is open."""
        self.answered: object = _NOTHING
        """The very answer that was written together with the mark."""

    def placed(self, transaction: object) -> None:
        """It is about to be written in this transaction."""
        self.state, self.transaction = MarkState.PLACED, transaction

    def committing(self) -> None:
        """The transaction is about to be committed."""
        self.state, self.transaction = MarkState.COMMITTING, None

    def rolled_back(self) -> None:
        """The transaction left nothing, so the next one places it again."""
        self.state, self.transaction, self.answered = MarkState.NEW, None, _NOTHING

    def repeated(self, stored: StoredMark) -> Repeated:
        """Another run's mark is there; raise what this returns."""
        self.state, self.transaction, self.stored = MarkState.REPEATED, None, stored
        return Repeated(f"{self.scope} ran before under key {self.key}")


_NOTHING = object()

REPLAYED = Mark("", "", "", owner="", now_ms=0, due_ms=0, expires_ms=0)
"""Stands in a call's context for the mark when its answer is that of an earlier call."""
REPLAYED.state = MarkState.OVER
