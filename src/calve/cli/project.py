"""What several commands need of a project: its configuration, its contracts, and importability of its modules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import ConfigError
from ..core.suggest import did_you_mean

if TYPE_CHECKING:
    from ..contract import ContractInfo
    from ..runtime import AppConfig


def load_project(path: Path | None) -> AppConfig:
    """Read calve.toml and put its folder first on the module path, as it is in a unit.

    Raises: ConfigError: there is none, or it is wrong.
    """
    from ..runtime.config import load_config, prefer_root

    config = load_config(path)
    prefer_root(config)
    return config


def load_contracts(config: AppConfig, service: str | None = None) -> list[tuple[str, ContractInfo]]:
    """Import the contracts of one service or of all, in the order of calve.toml.

    Returns: pairs of service name and contract.
    Raises: ConfigError: no such service (with near misses), or a contract is not well formed.
    """
    from ..service.loading import load_contract

    if service is not None and service not in config.services:
        raise ConfigError(f"no service {service!r}; {did_you_mean(service, config.services)}", where=config.file.shown)
    names = config.services if service is None else [service]
    return [(name, load_contract(config.services[name])) for name in names]


def load_remote_contracts(config: AppConfig) -> dict[str, ContractInfo]:
    """Import the contracts that HTTP services elsewhere fulfil, by service.

    Raises: ConfigError: one is not there, or is no contract.
    """
    from ..contract import describe
    from ..service import load_object

    return {
        name: describe(load_object(remote.contract, where=config.file.where(f"service.{name}", "contract")))
        for name, remote in config.remotes.items()
    }
