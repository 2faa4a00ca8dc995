"""How far two ways to divide the same things agree: adjusted mutual information.

    1    the same division, whatever the parts are called
    0    as much as chance would give, given the sizes of the parts

Adjusted, because plain mutual information rewards many small parts, and shares of well-placed items one big part.
Source: Vinh, Epps and Bailey, "Information Theoretic Measures for Clusterings Comparison", JMLR 11 (2010), with the
mean of both entropies as the upper bound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from math import exp, lgamma, log


def agreement(a: Mapping[str, Hashable], b: Mapping[str, Hashable]) -> float:
    """Compare two divisions of the things that both know.

    Args: a, b: Thing -> its part.
    Returns: at most 1; 1 also when both have one part only, or nothing is in both.
    """
    things = [thing for thing in a if thing in b]
    count = len(things)
    rows, columns = Counter(a[t] for t in things), Counter(b[t] for t in things)
    if len(rows) == len(columns) == 1 or not things:
        return 1.0
    both = Counter((a[t], b[t]) for t in things)
    information = sum(n / count * log(count * n / (rows[r] * columns[c])) for (r, c), n in both.items())
    expected = _expected(Counter(rows.values()), Counter(columns.values()), count)
    bound = (_entropy(rows, count) + _entropy(columns, count)) / 2
    return (information - expected) / (bound - expected) if bound - expected > 1e-12 else 0.0


def _entropy(parts: Counter[Hashable], count: int) -> float:
    return -sum(n / count * log(n / count) for n in parts.values())


def _expected(rows: Counter[int], columns: Counter[int], count: int) -> float:
    """Mutual information that divisions with parts of these sizes have by chance; sizes -> how many have it."""
    fact = [lgamma(n + 1) for n in range(count + 1)]
    total = 0.0
    for a, a_times in rows.items():
        for b, b_times in columns.items():
            fixed = fact[a] + fact[b] + fact[count - a] + fact[count - b] - fact[count]
            part = 0.0
            for n in range(max(1, a + b - count), min(a, b) + 1):
                chance = exp(fixed - fact[n] - fact[a - n] - fact[b - n] - fact[count - a - b + n])
                part += n / count * log(count * n / (a * b)) * chance
            total += a_times * b_times * part
    return total
