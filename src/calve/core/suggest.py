"""Near misses for error messages: what the reader probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a clause such as `did you mean 'wallet'? (known: inventory, wallet)`; `known: none` when there is nothing.

    Args:
        name: What was given.
        known: Every name that would have been right; at most twelve are listed.
    """
    names = sorted(known)
    if not names:
        return "known: none"
    listed = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    folded = {n.casefold(): n for n in names}
    near = difflib.get_close_matches(name.casefold(), folded, n=2, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(repr(folded[n]) for n in near) + f"? (known: {listed})"
    return f"known: {listed}"
