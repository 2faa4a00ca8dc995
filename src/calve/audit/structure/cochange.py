"""Whether files that change together say anything about where this project divides, and how much they say.

It helps in some projects and spoils the result in others, so it has to pass a gate first: enough commits, and the files
that change together are by and large in one package anyhow. Where they are not, people work across everything, and
what changes together says who works here rather than what belongs together.

    measured (grouping by imports alone -> with co-change; agreement of co-change with packages)
    IPython 0.64 -> 0.78 (0.73)    Taiga 0.38 -> 0.53 (0.49)    Saleor 0.56 -> 0.41 (0.30)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import combinations
from statistics import median

import msgspec

from ..git import History, co_change
from .agreement import agreement

COMMITS_MIN = 500
AGREEMENT_MIN = 0.4
WEIGHT = 0.5
"""Of the median pair of units, where an import has 1."""
SCALED_MAX = 5.0
_SEED = 1

Pair = tuple[str, str]


class CoChange(msgspec.Struct):
    """What changes together."""

    weights: dict[Pair, float]
    """To group units by, pairs in alphabetical order; empty when it is not used."""
    why: str
    """Why it is used, or why not, with the figures."""
    agreement: float | None = None
    """Of files that change together with units; None when there are too few commits to tell."""

    @property
    def used(self) -> bool:
        """Whether the gate let it through."""
        return bool(self.weights)


def gated(history: History, of: Mapping[str, str]) -> CoChange:
    """Decide whether co-change counts in this project.

    Args: of: Path -> unit.
    """
    usable = sum(sum(path in of for path in commit.files) > 1 for commit in history.commits)
    commits = len(history.commits)
    if commits < COMMITS_MIN:
        return CoChange({}, f"{commits} usable commits; it takes {COMMITS_MIN}")
    if not usable:
        return CoChange({}, "no commit touches two files of the code")
    found = agreement(_clusters(history, of), of)
    figures = f"{commits} commits; what changes together agrees with units by {found:.2f}, {AGREEMENT_MIN} is needed"
    if found < AGREEMENT_MIN:
        return CoChange({}, figures, found)
    raw = co_change(history, of)
    if not raw:
        return CoChange({}, "no commit touches two units", found)
    middle = median(raw.values())
    return CoChange({pair: WEIGHT * min(value / middle, SCALED_MAX) for pair, value in raw.items()}, figures, found)


def _clusters(history: History, of: Mapping[str, str]) -> dict[str, int]:
    """Path -> the community it is in, by nothing but what changes together."""
    import networkx as nx  # takes a third of a second to load

    weight: defaultdict[Pair, float] = defaultdict(float)
    for commit in history.commits:
        paths = sorted(path for path in commit.files if path in of)
        for pair in combinations(paths, 2):
            weight[pair] += 1 / (len(paths) - 1)
    network: nx.Graph[str] = nx.Graph()
    network.add_weighted_edges_from((a, b, round(weight[a, b], 9)) for a, b in sorted(weight))
    parts = nx.community.louvain_communities(network, seed=_SEED)
    return {path: index for index, part in enumerate(parts) for path in part}
