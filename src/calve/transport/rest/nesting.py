"""How deep a JSON body is nested, known before it is decoded.

Decoders recurse, so depth is a resource like size. Counting brackets decides nearly every body at the cost of two scans
for a byte; only a body with more brackets than the limit allows levels is looked at closely, and no loop of Python runs
over that either.
"""

from __future__ import annotations

import re
from itertools import accumulate

# A string, or one that is never closed. Possessive, so that a hostile body is scanned once.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_NO_BRACKET = bytes(set(range(256)) - set(b"[{]}"))


def depth(body: bytes) -> int:
    """Deepest level of arrays and objects; 0 for a scalar. For what is not JSON, any number."""
    steps = _STRING.sub(b"", body).translate(_STEPS, _NO_BRACKET)
    return max(accumulate(memoryview(steps).cast("b")), default=0)


def too_deep(body: bytes, nesting_max: int) -> bool:
    """Whether the body is nested deeper than `nesting_max` levels."""
    return body.count(b"[") + body.count(b"{") > nesting_max and depth(body) > nesting_max
