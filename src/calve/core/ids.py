"""Identifiers that Calve makes itself."""

from __future__ import annotations

import os
import time
from uuid import UUID


def new_id() -> UUID:
    """A UUID version 7: sorts by creation time to the millisecond, 74 random bits.

    Source: RFC 9562, section 5.7. (`uuid.uuid7` exists from Python 3.14 on.)
    """
    return UUID(new_id_text())


def new_id_text() -> str:
    """The same as text, for what writes it down at once: making a UUID and its text costs five times as much."""
    stamp = f"{time.time_ns() // 1_000_000 & (1 << 48) - 1:012x}"
    try:
        rest = _random.pop()
    except IndexError:
        digits = os.urandom(10 * 256).hex()  # see `new_key`
        _random.extend(digits[at : at + 20] for at in range(0, len(digits), 20))
        rest = _random.pop()
    return f"{stamp[:8]}-{stamp[8:]}-7{rest[:3]}-{_VARIANT[rest[3]]}{rest[4:7]}-{rest[7:19]}"


def new_key() -> str:
    """An idempotency key: 32 hex digits, 48 bits of time in milliseconds and 80 from the system's generator.

    The time comes first so that the marks of commands made at about the same time lie side by side in the index, which
    costs a store a fifth of what keys without order do.
    """
    try:
        return _keys.pop()
    except IndexError:
        # A system call per key would be the dearest part of a command; one per 256 keys is not seen. `pop` and `extend`
        # are atomic, so threads need no lock.
        stamp, digits = f"{time.time_ns() // 1_000_000 & (1 << 48) - 1:012x}", os.urandom(10 * 256).hex()
        _keys.extend(stamp + digits[at : at + 20] for at in range(0, len(digits), 20))
        return _keys.pop()


_VARIANT = {digit: "89ab"[number % 4] for number, digit in enumerate("0123456789abcdef")}
_keys: list[str] = []
_random: list[str] = []
for pool in (_keys, _random):
    os.register_at_fork(after_in_child=pool.clear)  # or parent and child would hand out the same
