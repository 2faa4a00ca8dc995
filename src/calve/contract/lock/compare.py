"""What changed between two versions of a contract, for whom it breaks, and how it could be compatible.

    breaking   somebody who was built for the version before stops working, or works on something else
    minor      nobody of before notices; who uses what is new needs a service that has it
    patch      neither: a name in code, an order, a timeout

Programs count, as they are deployed; source code that is built anew is a type checker's business. The one exception is
the order of parameters: who passes them by position, and is built anew, passes something else without any checker
seeing it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from ..operation import Version
from .model import Description, MessageLock, OperationLock
from .numbers import renamed_types, renumbered
from .reading import Issue, Reading

Level = Literal["breaking", "minor", "patch"]

CALLERS, REST, CONSUMERS = "callers", "REST callers", "event consumers"
STORED, IMPLEMENTERS, PROTOBUF = "stored events", "implementers", "protobuf peers"


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change."""

    level: Level
    rule: str
    """Stable name, such as `field-missing`."""
    path: str
    """Such as `Wallet.debit(cents)` or `Balance.cents`."""
    what: str
    who: str
    """Who notices."""
    fix: str = ""
    """How to make it compatible."""
    operations: tuple[str, ...] = ()
    """Operations and events that it shows in; nothing when the path says it."""
    data: bool = False
    """Whether it shows in what is written and read, so that samples of the old version find it, too."""


class Comparison(msgspec.Struct, frozen=True):
    """All that changed."""

    old: Description
    new: Description
    findings: tuple[Finding, ...]
    """Breaking ones first."""

    @property
    def breaking(self) -> tuple[Finding, ...]:
        """What breaks somebody."""
        return tuple(f for f in self.findings if f.level == "breaking")

    @property
    def asks(self) -> Version:
        """The lowest version that says what these changes are."""
        old = Version.parse(self.old.version)
        if self.breaking:
            return Version(old.major + 1, 0)
        return Version(old.major, old.minor + 1) if any(f.level == "minor" for f in self.findings) else old

    @property
    def declared(self) -> bool:
        """Whether the new version owns up to what breaks, by another major."""
        return Version.parse(self.new.version).major > Version.parse(self.old.version).major


def compare(old: Description, new: Description) -> Comparison:
    """Compare two versions of a contract."""
    found = [*_whole(old, new)]
    for name in sorted(old.operations.keys() | new.operations.keys()):
        found += _operation(old, new, name)
    found += _events(old, new)
    for path, what in renumbered(old, new):
        found.append(
            Finding("breaking", "number", path, what, PROTOBUF, "take the lock of before and lock again on top of it")
        )
    found += _silent(old, new, {finding.path for finding in found})
    return Comparison(old, new, tuple(sorted(_merge(found), key=_order)))


def _whole(old: Description, new: Description) -> Iterator[Finding]:
    if old.contract != new.contract:
        what = f"the contract was named {old.contract}, which callers ask for"
        yield Finding("breaking", "contract-renamed", new.contract, what, CALLERS, "give the class its name back")
    if old.service != new.service:
        what = f"the service was named {old.service}, which callers ask for"
        yield Finding("breaking", "service-renamed", new.service, what, CALLERS, "give the package its name back")
    if Version.parse(new.version) < Version.parse(old.version):
        what = f"its version was {old.version}, is {new.version}"
        yield Finding("breaking", "version", new.contract, what, CALLERS, f"make it {old.version} or later")


def _operation(old: Description, new: Description, name: str) -> Iterator[Finding]:
    path = f"{new.contract}.{name}"
    then, now = old.operations.get(name), new.operations.get(name)
    if then is None:
        what = "is new; services of before answer that they have no such operation"
        yield Finding("minor", "operation-added", path, what, IMPLEMENTERS)
    elif now is None:
        fix = "keep it until the next major version"
        yield Finding("breaking", "operation-removed", path, "was removed", CALLERS, fix)
    else:
        yield from _manner(then, now, path)
        yield from _rest(then, now, path)
        yield from _order_of_parameters(then, now, path)
        yield from _request(old, new, name, path)
        yield from _answers(old, new, name, path)


def _manner(old: OperationLock, new: OperationLock, path: str) -> Iterator[Finding]:
    if old.streaming != new.streaming:
        what = f"{'was' if old.streaming else 'is'} a stream and {'is' if old.streaming else 'was'} a single answer"
        yield Finding("breaking", "streaming", path, what, CALLERS, "add a new operation")
    if (old.kind, new.kind) == ("query", "command"):
        what = "was a query, which callers may repeat at will, is a command"
        yield Finding("breaking", "kind", path, what, CALLERS, "keep the query, and add the command beside it")
    elif old.kind != new.kind:
        yield Finding("minor", "kind", path, "was a command, is a query", IMPLEMENTERS)
    if new.role is not None and old.role != new.role:
        what = f"needed {f'role {old.role!r}' if old.role else 'no role'}, needs {new.role!r}"
        yield Finding("breaking", "role", path, what, CALLERS, "give the new role to all who have the old one first")
    elif old.role != new.role:
        yield Finding("minor", "role", path, f"needed role {old.role!r}, needs none", IMPLEMENTERS)
    if old.timeout_seconds != new.timeout_seconds:
        what = f"its timeout was {old.timeout_seconds:g} s, is {new.timeout_seconds:g} s"
        yield Finding("patch", "timeout", path, what, CALLERS)


def _rest(old: OperationLock, new: OperationLock, path: str) -> Iterator[Finding]:
    then, now = old.http, new.http
    if then is None:
        if now is not None:
            yield Finding("minor", "http-added", path, f"is {now.rule} on REST", REST)
        return
    if now is None:
        yield Finding("breaking", "http-removed", path, f"was {then.rule} on REST", REST, "keep its http=")
        return
    if then.rule != now.rule:
        fix = "keep the rule, and add an operation with the new one"
        yield Finding("breaking", "http-rule", path, f"was {then.rule}, is {now.rule}", REST, fix)
    if then.status != now.status:
        what = f"a good answer had status {then.status}, has {now.status}"
        yield Finding("breaking", "http-status", path, what, REST, f"write status={then.status}")
    if then.body != now.body:
        was, now_is = _body(then.body), _body(now.body)
        fix = "put what is new into the message, or add a new operation"
        yield Finding("breaking", "http-body", path, f"the body was {was}, is {now_is}", REST, fix)


def _body(parameter: str | None) -> str:
    return "an object with a member per parameter" if parameter is None else f"{parameter!r} itself"


def _order_of_parameters(old: OperationLock, new: OperationLock, path: str) -> Iterator[Finding]:
    """By position: every old parameter has to be where it was. By name, order never matters, and names are on the wire.

    One that is gone is told elsewhere, and then nobody's call fits any more.
    """
    then = [p.name for p in old.parameters if not p.keyword]
    now = [p.name for p in new.parameters if not p.keyword]
    if {p.name for p in old.parameters} - {p.name for p in new.parameters}:
        return
    for place, name in enumerate(then):
        if now[place : place + 1] != [name]:
            what = f"was parameter {place + 1}, is " + (
                f"parameter {now.index(name) + 1}" if name in now else "given by name only"
            )
            fix = "keep the order, and add parameters at the end or after `*`"
            yield Finding("breaking", "parameter-order", f"{path}({name})", what, "callers by position", fix)


def _request(old: Description, new: Description, name: str, path: str) -> Iterator[Finding]:
    then, now = old.request(name), new.request(name)
    forth = Reading(old, new, reader_is_old=False, sparse=True, lossy=False).fields(then, now, path, "({})")
    back = Reading(new, old, reader_is_old=True, sparse=True, lossy=False).fields(now, then, path, "({})")
    yield from _both(forth, back, CALLERS, f"{new.contract}.{name}")


def _answers(old: Description, new: Description, name: str, path: str) -> Iterator[Finding]:
    then, now = old.operations[name], new.operations[name]
    label = f"{new.contract}.{name}"
    if then.streaming == now.streaming:
        forth = Reading(new, old, reader_is_old=True, sparse=False, lossy=True)
        back = Reading(old, new, reader_is_old=False, sparse=False, lossy=True)
        where = f"{path} -> {'item' if now.streaming else 'answer'}"
        yield from _both(
            forth.shape(now.answer, then.answer, where), back.shape(then.answer, now.answer, where), CALLERS, label
        )
    for error in sorted({*then.raises, *now.raises}):
        if error not in then.raises:
            what = f"may raise {error} now; callers of before get InternalError, which says that it may have run"
            fix = "raise one of the errors it had, say it in the answer, or add a new operation"
            yield Finding("breaking", "error-added", path, what, CALLERS, fix)
        elif error not in now.raises:
            yield Finding("minor", "error-removed", path, f"no longer raises {error}", CALLERS)
        else:
            yield from _error(old, new, error, label)


def _error(old: Description, new: Description, name: str, label: str) -> Iterator[Finding]:
    then, now = old.errors[name], new.errors[name]
    if then.status != now.status:
        what = f"its status was {then.status}, is {now.status}"
        yield Finding("breaking", "error-status", name, what, REST, f"write status = {then.status}", (label,))
    forth = Reading(new, old, reader_is_old=True, sparse=False, lossy=True)
    back = Reading(old, new, reader_is_old=False, sparse=False, lossy=True)
    fields_then, fields_now = MessageLock(fields=then.fields), MessageLock(fields=now.fields)
    yield from _both(
        forth.fields(fields_now, fields_then, name), back.fields(fields_then, fields_now, name), CALLERS, label
    )


def _events(old: Description, new: Description) -> Iterator[Finding]:
    for event in sorted({*old.events, *new.events}):
        if event not in new.events:
            fix = "go on publishing it until nobody consumes it"
            yield Finding("breaking", "event-removed", event, "is no longer published", CONSUMERS, fix)
        elif event not in old.events:
            yield Finding("minor", "event-added", event, "is new", CONSUMERS)
        else:
            then, now = old.messages[event], new.messages[event]
            forth = Reading(new, old, reader_is_old=True, sparse=False, lossy=True)
            stored = Reading(old, new, reader_is_old=False, sparse=True, lossy=True)
            yield from _as_findings(forth.fields(now, then, event), "breaking", CONSUMERS, event)
            yield from _as_findings(stored.fields(then, now, event), "breaking", STORED, event)


def _both(forth: Iterator[Issue], back: Iterator[Issue], who: str, label: str) -> Iterator[Finding]:
    """What old programs meet breaks; what only new ones meet with an old other side is an addition."""
    broken = list(_as_findings(forth, "breaking", who, label))
    yield from broken
    paths = {finding.path for finding in broken}
    yield from (f for f in _as_findings(back, "minor", IMPLEMENTERS, label) if f.path not in paths)


def _as_findings(issues: Iterator[Issue], level: Level, who: str, label: str) -> Iterator[Finding]:
    for issue in issues:
        fix = issue.fix if level == "breaking" else ""
        yield Finding(level, issue.rule, issue.path, issue.what, who, fix, (label,), data=True)


def _silent(old: Description, new: Description, told: set[str]) -> Iterator[Finding]:
    """What changed in named types and is no finding yet: nobody of before notices."""
    for then_name, now_name in renamed_types(old, new).items():
        then, now = old.messages.get(then_name), new.messages.get(now_name)
        if then and now:
            before, after = {f.name for f in then.fields}, {f.name for f in now.fields}
            for name in sorted(before ^ after):
                if f"{now_name}.{name}" not in told:
                    what = "is new" if name in after else "was removed; readers of before take its default"
                    rule = "field-added" if name in after else "field-removed"
                    yield Finding("minor", rule, f"{now_name}.{name}", what, CALLERS)
        if then_name in old.enums and now_name in new.enums:
            yield from _enum(old.enums[then_name].values, new.enums[now_name].values, now_name, told)
        if then_name != now_name:
            yield Finding("patch", "type-renamed", now_name, f"was named {then_name}", PROTOBUF)


def _enum(then: dict[str, str | int], now: dict[str, str | int], name: str, told: set[str]) -> Iterator[Finding]:
    if name in told:
        return
    if set(then.values()) != set(now.values()):
        yield Finding("minor", "enum-value", name, "has other values; nobody of before notices", CALLERS)
    elif then != now:
        yield Finding("patch", "enum-name", name, "names its values otherwise", CALLERS)
    elif list(then) != list(now):
        yield Finding("patch", "enum-order", name, "lists its values in another order", CALLERS)


def _merge(found: Sequence[Finding]) -> Iterator[Finding]:
    """One finding per change, however many operations it shows in."""
    merged: dict[tuple[str, ...], list[Finding]] = {}
    broken = {f.path for f in found if f.level == "breaking"}
    for finding in found:
        if finding.level == "minor" and finding.data and finding.path in broken:
            continue
        key = (finding.level, finding.rule, finding.path, finding.what, finding.who)
        merged.setdefault(key, []).append(finding)
    for same in merged.values():
        operations = sorted({operation for finding in same for operation in finding.operations})
        shown = () if all(same[0].path.startswith(o) for o in operations) else tuple(operations)
        yield msgspec.structs.replace(same[0], operations=shown)


def _order(finding: Finding) -> tuple[int, str, str, str]:
    return ("breaking", "minor", "patch").index(finding.level), finding.path, finding.rule, finding.what
