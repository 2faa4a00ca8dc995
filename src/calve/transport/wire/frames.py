"""Every frame of the native wire, as data.

A frame is one MessagePack array whose first element is the frame's number; the rest are its fields in the order
written here:

    0 hello    [0, version, frame_bytes_max, calls_max, software]                        both sides, first and once
    1 request  [1, id, target, timeout_ms, body, key, traceparent, tracestate,
                   subject, roles, window, caller]                                           client -> server
    2 response [2, id, body, replayed]                                                           server -> client
    3 error    [3, id, code, message, may_have_run, field, name, body, replayed,
                   passed_on, retry_after_ms]                                                server -> client
    4 cancel   [4, id]                                                                           client -> server
    5 item     [5, id, body]                                                                     server -> client
    6 end      [6, id]                                                                           server -> client
    7 credit   [7, id, items]                                                                    client -> server
    8 ping     [8, nonce]                                                                                    both
    9 pong     [9, nonce]                                                                                    both
   10 goaway   [10, last_id, reason]                                                                         both

Fields may be added at the end of a frame within one protocol version (older readers ignore what they do not know,
younger readers have defaults); anything else is a new version. The layout of hello never changes, or versions could
not be compared.

`body` is `Raw` when a frame was read: a view of the bytes, decoded later with the type of the operation. For writing
it holds the value itself, so that envelope and value are encoded in one call without a copy between them.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from ...core.codec import enc_hook

VERSION = 1
"""Version of the protocol this module speaks; equal versions can talk."""


NO_FIELDS = msgspec.Raw(b"\x80")
"""An empty map: the body of an error that has no fields. (`Raw | None` is no type that msgspec decodes.)"""

TIMEOUT_MS_MAX = 2**53
"""Longer than anybody waits, and small enough to stay exact in any arithmetic."""


class Frame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of all frames. `gc=False`: a frame never holds itself, and not being tracked makes it a third cheaper."""


class Hello(Frame, frozen=True, tag=0):
    """What a side can take; nothing else may be sent before the peer's hello has arrived."""

    version: int
    frame_bytes_max: int
    """Largest frame this side accepts, without its length prefix."""
    calls_max: int
    """Calls this side lets be in flight at a time; 0 for a client, which takes none."""
    software: str = ""
    """For error messages only, such as `calve 0.1.0`."""


class Request(Frame, frozen=True, tag=1):
    """One call. Ids count upwards on a connection and are never used twice."""

    id: int
    target: str
    """`service/contract/version/operation`, such as `wallet/Wallet/1.0/debit`."""
    timeout_ms: Annotated[int, msgspec.Meta(ge=0, le=TIMEOUT_MS_MAX)] | None
    """Time left; None is for ever. Relative, because two machines do not share a monotonic clock."""
    body: msgspec.Raw
    key: str | None = None
    """Idempotency key; commands only."""
    traceparent: str | None = None
    tracestate: str = ""
    subject: str | None = None
    """Who the call is made for; None is nobody."""
    roles: frozenset[str] = frozenset()
    window: int = 0
    """Items a streaming operation may send before it needs credit; 0 for an operation with one answer."""
    caller: str = ""
    """The operation that makes the call, or its service alone; '' when it comes from outside of all services."""


class Response(Frame, frozen=True, tag=2):
    """The answer; ends the call."""

    id: int
    body: msgspec.Raw
    replayed: bool = False
    """Whether it is the answer of an earlier call with the same idempotency key."""


class Failure(Frame, frozen=True, tag=3):
    """An error instead of an answer, or of the rest of a stream; ends the call. See `failures.py`."""

    id: int
    code: str
    """Code of a `CallError`, or `domain_error`."""
    message: str = ""
    may_have_run: bool = True
    field: str | None = None
    """Path of the field at fault, for `invalid_argument`."""
    name: str | None = None
    """Class of the domain error, whose fields are the body."""
    body: msgspec.Raw = NO_FIELDS
    replayed: bool = False
    """As in a response; for domain errors."""
    passed_on: bool = False
    """Whether the operation let it through from a call of its own: see `CallError`."""
    retry_after_ms: int | None = None
    """When a repeat may have a chance, if somebody knows."""


class Cancel(Frame, frozen=True, tag=4):
    """The caller has lost interest; the server answers nothing more for this id."""

    id: int


class Item(Frame, frozen=True, tag=5):
    """One item of a stream; uses up one credit."""

    id: int
    body: msgspec.Raw


class End(Frame, frozen=True, tag=6):
    """A stream came to its end; ends the call."""

    id: int


class Credit(Frame, frozen=True, tag=7):
    """The consumer can take more items."""

    id: int
    items: int


class Ping(Frame, frozen=True, tag=8):
    """Asks for a sign of life."""

    nonce: int


class Pong(Frame, frozen=True, tag=9):
    """The sign of life."""

    nonce: int


class GoAway(Frame, frozen=True, tag=10):
    """No calls after `last_id` are taken on this connection, those up to it finish. Also said before hanging up."""

    last_id: int
    reason: str = ""


AnyFrame: TypeAlias = Hello | Request | Response | Failure | Cancel | Item | End | Credit | Ping | Pong | GoAway

encode_into = msgspec.msgpack.Encoder(enc_hook=enc_hook).encode_into
decode_frame = msgspec.msgpack.Decoder(AnyFrame).decode
