"""Whether a unit fits among those that are live.

    callers    every live unit that calls a service of this one still understands it
    callees    every service that this unit calls is offered by a live unit, in a version that has what it was built for
    others     who calls over REST or consumes events is not known by name: for them the live version of it counts

Only deployed programs count here, so the order of parameters and protobuf numbers do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from ..operation import Version
from .compare import CALLERS, CONSUMERS, REST, STORED, Finding, compare
from .model import Description
from .snapshot import UnitContracts


class Fit(msgspec.Struct, frozen=True):
    """One thing that has to fit."""

    service: str
    side: Literal["caller", "callee", "others"]
    """What the other side is to the unit."""
    unit: str
    """The live unit; '' when there is none."""
    ours: str
    """Version of the contract in the unit that is to be deployed; '' when it has it no more."""
    theirs: str
    """Version on the other side; '' when nobody has it."""
    findings: tuple[Finding, ...]
    """What does not fit."""


def fits(name: str, unit: UnitContracts, live: Mapping[str, UnitContracts]) -> Iterator[Fit]:
    """Everything that has to fit when a unit is deployed beside (and instead of) what is live.

    Args:
        name: Of the unit.
        unit: As it would be.
        live: What is there, by unit; may hold a version of the same unit, which is replaced.
    """
    others = {other: contracts for other, contracts in live.items() if other != name}
    before = live.get(name)
    for service, ours in sorted(unit.provides.items()):
        yield from _callers(service, ours, others)
        if before is not None and service in before.provides:
            theirs = before.provides[service]
            yield Fit(service, "others", name, ours.version, theirs.version, _outside(theirs, ours))
    for service in sorted(set(before.provides) - set(unit.provides) if before else ()):
        if not any(service in other.provides for other in others.values()):
            yield from _left_alone(service, others)
    for service, ours in sorted(unit.consumes.items()):
        if service not in unit.provides:
            yield _callee(service, ours, others)


def _callers(service: str, ours: Description, others: Mapping[str, UnitContracts]) -> Iterator[Fit]:
    for name, other in sorted(others.items()):
        if service in other.consumes and service not in other.provides:
            theirs = other.consumes[service]
            yield Fit(service, "caller", name, ours.version, theirs.version, _misfits(theirs, ours))


def _left_alone(service: str, others: Mapping[str, UnitContracts]) -> Iterator[Fit]:
    for name, other in sorted(others.items()):
        if service in other.consumes:
            what = "would be offered by no unit"
            finding = Finding("breaking", "nobody", service, what, CALLERS, "deploy the unit that takes it over first")
            yield Fit(service, "caller", name, "", other.consumes[service].version, (finding,))


def _callee(service: str, ours: Description, others: Mapping[str, UnitContracts]) -> Fit:
    for name, other in sorted(others.items()):
        if service in other.provides:
            theirs = other.provides[service]
            return Fit(service, "callee", name, ours.version, theirs.version, _misfits(ours, theirs, name))
    finding = Finding("breaking", "nobody", service, "is offered by no live unit", CALLERS, "deploy its unit first")
    return Fit(service, "callee", "", ours.version, "", (finding,))


def _misfits(caller: Description, offered: Description, deploy_first: str = "") -> tuple[Finding, ...]:
    """What a caller built for one version meets with a service of another."""
    if Version.parse(caller.version).major != Version.parse(offered.version).major:
        what = f"is offered in version {offered.version}, and asked for in {caller.version}: other majors do not talk"
        fix = f"deploy {deploy_first} first" if deploy_first else "keep the major version until its callers have moved"
        return (Finding("breaking", "major", offered.contract, what, CALLERS, fix),)
    broken = (f for f in compare(caller, offered).breaking if f.who == CALLERS and f.rule != "version")
    if not deploy_first:
        return tuple(broken)
    # The live service is the older one: the advice to its author is not for whoever deploys the caller.
    fix = f"deploy {deploy_first} first, with a version that has it"
    return tuple(msgspec.structs.replace(finding, fix=fix) for finding in broken)


def _outside(before: Description, now: Description) -> tuple[Finding, ...]:
    comparison = compare(before, now)
    if comparison.declared:
        return ()
    return tuple(f for f in comparison.breaking if f.who in (REST, CONSUMERS, STORED) or _on_rest(before, f))


def _on_rest(before: Description, finding: Finding) -> bool:
    """Whether clients of the REST edge are among the callers that a finding is about."""
    if finding.who != CALLERS:
        return False
    concerned = {re.split(r"[ (]", label)[0] for label in finding.operations or (finding.path,)}
    return any(
        op.http is not None and f"{before.contract}.{name}" in concerned for name, op in before.operations.items()
    )
