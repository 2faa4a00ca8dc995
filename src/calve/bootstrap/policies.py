"""Which policy holds: what contracts declare, and what calve.toml says over it.

For one operation and one caller, the last that says something of a field wins:

    1 the default                                     see `EffectivePolicy`
    2 [policy]                                        for all services
    3 the contract                                    class Wallet(…, policy=…), then @query(policy=…)
    4 [policy.<service>]
    5 [policy.<service>.<operation>]
    6 [policy.<service>.<operation>.<caller>]         calls by one service

Each from the environment, too: CALVE_POLICY_WALLET_BALANCE_TIMEOUT_SECONDS is 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from ..contract import ContractInfo, Operation
from ..core.errors import ConfigError
from ..core.policy import FIELDS, EffectivePolicy, said
from ..core.settings import env_name
from ..core.suggest import did_you_mean
from ..runtime import AppConfig
from ..runtime.sections import PolicySettings
from ..service import load_object
from ..service.resilience.fallback import make_fallback

DEFAULT, CONTRACT = "default", "contract"


class Said(NamedTuple):
    """The value of one field, and who said so."""

    value: Any
    origin: str
    """`default`, `contract`, `calve.toml:12` or the name of a variable."""


class Policies:
    """All policies of a project.

    Args:
        config: The project.
        contracts: Of its services, by name; those of services elsewhere, too.
    Raises: ConfigError: calve.toml says something of what does not exist, or what cannot hold.
    """

    def __init__(self, config: AppConfig, contracts: Mapping[str, ContractInfo]) -> None:
        self._config, self._contracts = config, contracts
        self._tables: dict[str, dict[str, Said]] = {}
        self._check()

    def of(self, service: str, operation: Operation, caller: str) -> EffectivePolicy:
        """What holds for the calls of one caller ('' for calls from outside of all services)."""
        values = {name: found.value for name, found in self.explain(service, operation, caller).items()}
        return EffectivePolicy(**values)

    def explain(self, service: str, operation: Operation, caller: str) -> dict[str, Said]:
        """The same with who said so, by field."""
        found = {name: Said(value, DEFAULT) for name, value in _defaults(operation).items()}
        found |= self._table("policy")
        found |= {name: Said(value, CONTRACT) for name, value in said(operation.policy).items()}
        for section in _sections(service, operation.name, caller):
            found |= self._table(section)
        return found

    def applied(self, service: str) -> ContractInfo:
        """The contract of a service with the time limits that hold: what its operations themselves keep to."""
        info = self._contracts[service]
        operations = {}
        for name, operation in info.operations.items():
            seconds = self.of(service, operation, "").timeout_seconds
            changed = seconds != operation.timeout_seconds
            operations[name] = msgspec.structs.replace(operation, timeout_seconds=seconds) if changed else operation
        return info._replace(operations=operations)

    def callers(self, service: str, operation: str) -> list[str]:
        """Services that have a table of their own for their calls of an operation."""
        return [key for key, _ in self._below(f"policy.{service}.{operation}")]

    def _table(self, section: str) -> dict[str, Said]:
        """What one table of calve.toml, or the environment instead of it, says."""
        found = self._tables.get(section)
        if found is None:
            found = self._tables[section] = self._read(section)
        return found

    def _read(self, section: str) -> dict[str, Said]:
        reader, file = self._config.reader, self._config.file
        below = [key for key, _ in self._below(section)]
        variables = {field: env_name(section, field) for field in FIELDS}
        if not file.table(section) and not any(name in reader.variables for name in variables.values()):
            return {}
        settings = reader.load(section, PolicySettings, besides=below)
        found = {}
        for name, value in said(settings).items():
            where = variables[name] if variables[name] in reader.variables else file.where(section, name)
            if name == "fallback":
                if value is None:
                    continue
                value = load_object(value, where=where) if value else msgspec.UNSET  # "" takes away the contract's
            found[name] = Said(value, where)
        return found

    def _below(self, section: str) -> Iterator[tuple[str, Any]]:
        """The tables within a table."""
        return ((k, v) for k, v in self._config.file.table(section).items() if isinstance(v, dict))

    # Checks ----------------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        config = self._config
        services = [*self._contracts, *config.adopted]
        self._known("policy", "service", self._contracts)
        for section in ("policy", *(f"policy.{service}" for service in self._contracts)):
            if "fallback" in (table := self._table(section)):
                fix = f"move it to [{section}.{'<operation>' if section != 'policy' else '<service>.<operation>'}]"
                raise ConfigError(f"[{section}] has one fallback for all", where=table["fallback"].origin, fix=fix)
        for service, info in self._contracts.items():
            self._known(f"policy.{service}", "operation", info.operations)
            for name, operation in info.operations.items():
                self._known(f"policy.{service}.{name}", "service", services)
                whole = self._check_one(service, operation, "")
                for caller in self.callers(service, name):
                    section = f"policy.{service}.{name}.{caller}"
                    for more, _ in self._below(section):
                        where = config.file.where(f"{section}.{more}")
                        raise ConfigError(f"[{section}] has tables below it", where=where, fix=f"drop {more!r}")
                    self._check_one(service, operation, caller, whole)

    def _known(self, section: str, kind: str, known: Iterable[str]) -> None:
        known = list(known)
        for name, _ in self._below(section):
            if name not in known:
                where = self._config.file.where(f"{section}.{name}")
                fix = did_you_mean(name, known)
                raise ConfigError(f"[{section}.{name}]: no {kind} {name!r}", where=where, fix=fix)

    def _check_one(
        self, service: str, operation: Operation, caller: str, whole: EffectivePolicy | None = None
    ) -> EffectivePolicy:
        found, policy = self.explain(service, operation, caller), self.of(service, operation, caller)
        name = f"{service}.{operation.name}"
        if "fallback" in found and found["fallback"].value is not msgspec.UNSET:
            try:
                make_fallback(operation, found["fallback"].value)
            except ValueError as error:
                raise ConfigError(f"{name}: {error}", where=_where(found["fallback"].origin, name)) from None
        if policy.retry_pause_seconds_max < policy.retry_first_seconds:
            longest = found["retry_pause_seconds_max"]
            origin = longest.origin if longest.origin != DEFAULT else found["retry_first_seconds"].origin
            raise ConfigError(
                f"{name}: the longest pause, {longest.value} s, is shorter than the shortest one,"
                f" {policy.retry_first_seconds} s",
                where=_where(origin, name),
                fix="change retry_pause_seconds_max or retry_first_seconds",
            )
        if whole is not None and policy.timeout_seconds > whole.timeout_seconds:
            raise ConfigError(
                f"{caller} waits {policy.timeout_seconds} s for {name}, which itself gives up after"
                f" {whole.timeout_seconds} s",
                where=_where(found["timeout_seconds"].origin, name),
                fix=f"raise timeout_seconds under [policy.{service}.{operation.name}] first",
            )
        return policy


def _defaults(operation: Operation) -> dict[str, Any]:
    default = EffectivePolicy(timeout_seconds=operation.timeout_seconds)
    values = {name: getattr(default, name) for name in FIELDS}
    return values | {"calls_max": 0} if operation.streaming else values


def _sections(service: str, operation: str, caller: str) -> Iterator[str]:
    yield f"policy.{service}"
    yield f"policy.{service}.{operation}"
    if caller:
        yield f"policy.{service}.{operation}.{caller}"


def _where(origin: str, name: str) -> str:
    return f"the contract of {name}" if origin == CONTRACT else origin
