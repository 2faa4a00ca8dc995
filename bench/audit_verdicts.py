"""`python -m bench.audit_verdicts PATH...`: verdicts on real projects, whatever anybody answers.

Each project is audited twice: with no question answered, and with every answer in favour of services. Neither may say
"extract one" of a project whose parts are not separable, and both have to name the few edges that would free its best
candidate. Meant for clones of Saleor, NetBox and Read the Docs at whatever commit they are.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from calve.audit.findings import AuditOptions, Findings, audit, weigh
from calve.audit.judging.answers import Answers
from calve.audit.pricing.order import Candidate
from calve.audit.structure.freeing import HINGES_MAX, SEPARABLE

IN_FAVOUR = Answers(
    team_size=100,
    teams=10,
    teams_wait=True,
    early_product=False,
    strict_acid=[],
    scale_apart=[],
    lead_time_days=30,
    deploys_a_week=50,
    change_fail_percent=1,
    restore_hours=1,
    on_call=True,
    monitoring=True,
    rapid_provisioning=True,
)


def main(paths: list[str]) -> int:
    """Print the verdicts; returns 1 when one is to split, or does not say what would free its best candidate."""
    if not paths:
        print("usage: python -m bench.audit_verdicts PATH...", file=sys.stderr)
        return 2
    return max(_check(Path(path)) for path in paths)


def _check(path: Path) -> int:
    found = audit(path)
    print(f"{path.name} at {found.history.head[:12] or 'no commit'}, {found.project.root}")
    failed = 0
    for title, answers in (("nothing answered", Answers()), ("all in favour", IN_FAVOUR)):
        weigh(found, msgspec.structs.replace(AuditOptions(), answers=answers))
        verdict = found.verdict
        print(f"  {title}: {verdict.sentence}")
        candidate = next(c for c in found.candidates if c.name == verdict.candidate)
        failed |= verdict.outcome == "extract one" or not _freed(candidate)
    _show(found, candidate)
    return int(failed)


def _freed(candidate: Candidate) -> bool:
    """Whether it is separable, or its hinges, all broken, make it so."""
    last = candidate.hinges[-1].isolation if candidate.hinges else candidate.bill.isolation
    return last <= SEPARABLE


def _show(found: Findings, candidate: Candidate) -> None:
    bill = candidate.bill
    print(f"  best candidate: {candidate.name}, {bill.crossing} of {bill.all_edges} edges cross ({bill.isolation:.2f})")
    for hinge in candidate.hinges:
        others = f"{len(hinge.others)} module{'' if len(hinge.others) == 1 else 's'}"
        print(f"    {hinge.module} {hinge.direction} {others}, first at {hinge.places[0]}: then {hinge.isolation:.2f}")
    if not _freed(candidate):
        print(f"    {HINGES_MAX} hinges do not free it")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
