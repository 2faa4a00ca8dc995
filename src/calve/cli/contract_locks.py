"""The locks of a project, and its contracts compared with them: what several commands share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ..contract.lock import (
    FOLDER,
    SUFFIX,
    Comparison,
    Described,
    Description,
    Finding,
    compare,
    describe_contract,
    load_lock,
    lock_name,
    read_lock,
    with_numbers,
)
from ..core.errors import ConfigError
from ..core.suggest import did_you_mean
from .git import Revision
from .project import load_contracts

if TYPE_CHECKING:
    from ..runtime import AppConfig

State = Literal["current", "changed", "breaking", "declared", "unlocked", "removed"]


class Checked(NamedTuple):
    """One contract beside its lock."""

    service: str
    state: State
    """changed: but compatible; declared: it breaks, and its major version says so; removed: a lock without service."""
    new: Description | None
    """From code; None when the service is gone."""
    old: Description | None
    """From the lock; None when there is none."""
    comparison: Comparison | None

    @property
    def described(self) -> Description:
        """The contract as it is in code, or was when it still was there."""
        found = self.new or self.old
        assert found is not None
        return found

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What changed; breaking changes first."""
        if self.comparison is not None:
            return self.comparison.findings
        if self.state != "removed" or self.old is None:
            return ()
        what = "the service is no longer part of the application"
        fix = "keep the service until nobody calls it"
        return (Finding("breaking", "contract-removed", self.old.contract, what, "callers", fix),)


def choose(project: AppConfig, services: Sequence[str]) -> list[str]:
    """The named services, or all. Raises ConfigError: no such service, with near misses."""
    for name in services:
        if name not in project.services:
            raise ConfigError(f"no service {name!r}; {did_you_mean(name, project.services)}", where=project.file.shown)
    return list(dict.fromkeys(services)) or list(project.services)


def describe_project(project: AppConfig, services: Sequence[str]) -> dict[str, Described]:
    """The contracts in code, by service, with the protobuf numbers that their locks give them."""
    found = {}
    for service in services:
        ((_, info),) = load_contracts(project, service)
        described = describe_contract(service, info)
        numbered = with_numbers(described.description, disk_lock(project, service))
        found[service] = Described(numbered, described.docs)
    return found


def disk_lock(project: AppConfig, service: str) -> Description | None:
    """The lock of a service, if it has one. Raises ConfigError: it is damaged."""
    path = lock_name(service)
    return _in_its_place(load_lock(project.root / path, path), path, path)


def check_locks(project: AppConfig, services: Sequence[str], *, all_services: bool) -> list[Checked]:
    """Compare contracts with their locks; with all services, also find locks whose service is gone."""
    described = describe_project(project, services)
    found = [_checked(name, disk_lock(project, name), d.description) for name, d in described.items()]
    if all_services:
        paths = sorted((project.root / FOLDER).glob(f"*{SUFFIX}"))
        found += _gone(project, [(p.name, disk_lock(project, p.name.removesuffix(SUFFIX))) for p in paths])
    return found


def check_revision(project: AppConfig, services: Sequence[str], name: str, *, all_services: bool) -> list[Checked]:
    """Compare contracts with the locks of a git revision.

    Raises: ConfigError: no git, no repository, no such revision, or no lock at all in it.
    """
    revision = Revision(project.root, name)
    locks = [file for file in revision.files(FOLDER) if file.endswith(SUFFIX)]
    if not locks:
        raise ConfigError(
            f"there is no {FOLDER}/*{SUFFIX} in {name}",
            where="--against",
            fix="run `calve contract lock` and commit what it writes, then compare with that revision",
        )
    described = describe_project(project, services)
    found = [_checked(service, _at(revision, lock_name(service)), d.description) for service, d in described.items()]
    if all_services:
        found += _gone(project, [(file, _at(revision, f"{FOLDER}/{file}")) for file in locks])
    return found


def _at(revision: Revision, path: str) -> Description | None:
    data = revision.read(path)
    where = f"{revision.name}:{path}"
    return None if data is None else _in_its_place(read_lock(data, where), path, where)


def _in_its_place(lock: Description | None, path: str, where: str) -> Description | None:
    """The lock, which is that of the service after which its file is named. Raises ConfigError: it is another's."""
    if lock is not None and lock_name(lock.service) != path:
        fix = f"name the file {lock_name(lock.service)}, or restore it from version control"
        raise ConfigError(f"is the lock of another service, {lock.service}", where=where, fix=fix)
    return lock


def _checked(service: str, old: Description | None, new: Description) -> Checked:
    if old is None:
        return Checked(service, "unlocked", new, None, None)
    comparison = compare(old, new)
    state: State = "current" if old == new and _in_order(old) == _in_order(new) else "changed"
    if comparison.breaking:
        state = "declared" if comparison.declared else "breaking"
    return Checked(service, state, new, old, comparison)


def _in_order(description: Description) -> list[Any]:
    """The one order that equality of dicts does not see and a lock keeps."""
    return [list(enum.values) for enum in description.enums.values()]


def _gone(project: AppConfig, locks: list[tuple[str, Description | None]]) -> Iterator[Checked]:
    for file, old in locks:
        service = file.removesuffix(SUFFIX)
        if service not in project.services and old is not None:
            yield Checked(service, "removed", None, old, None)


def callees(project: AppConfig) -> dict[str, set[str]]:
    """Which contract each service takes: by typed injection, or as declared by an adopted application.

    Imports the implementations. Returns: by service, the services it calls that have contracts of this project.
    """
    from ..bootstrap import describe_services

    return {name: set(fact.needs) & set(project.services) for name, fact in describe_services(project).items()}


def consumers(project: AppConfig) -> dict[str, list[str]]:
    """Who takes the contract of each service; see `callees`."""
    calls = callees(project)
    return {name: sorted(caller for caller, taken in calls.items() if name in taken) for name in project.services}
