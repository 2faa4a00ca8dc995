"""What is wrong about events is said before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pytest

from calve import ConfigError, Contract, Store, Transaction, on, query
from calve.bootstrap.events import check_events
from calve.contract import describe
from calve.service import LoadedService
from calve.testing.store_suite.log import Bank, Opened, Unpromised


class Quiet(Contract, Protocol, version="1.0"):
    """Publishes nothing."""

    @query()
    async def ask(self) -> int: ...


class WithStore(Quiet):
    def __init__(self, store: Store) -> None: ...

    async def ask(self) -> int:
        return 1

    @on(Opened)
    async def opened(self, event: Opened, tx: Transaction) -> None: ...


class WithoutStore(Quiet):
    async def ask(self) -> int:
        return 1

    @on(Opened)
    async def opened(self, event: Opened, tx: Transaction) -> None: ...


class OfNobody(WithStore):
    @on(Unpromised)
    async def other(self, event: Unpromised, tx: Transaction) -> None: ...


class BankWithoutStore(Bank):
    """Promises events that it could not keep."""


class BankWithStore(Bank):
    def __init__(self, store: Store) -> None: ...


def service(name: str, contract: type[Any], implementation: type[Any] | None) -> LoadedService:
    """A service as it is loaded."""
    return LoadedService(name, name, describe(contract), implementation, Path())


def test_a_project_whose_events_all_have_a_source() -> None:
    check_events([service("bank", Bank, BankWithStore), service("quiet", Quiet, WithStore)])
    check_events([service("bank", Bank, None), service("quiet", Quiet, WithStore)])


@pytest.mark.parametrize(
    ("bank", "listener", "text"),
    [
        (BankWithStore, WithoutStore, "quiet handles events, and has no store"),
        (BankWithoutStore, WithStore, "bank publishes events, and has no store"),
        (BankWithStore, OfNobody, "'other' handles Unpromised, which no service publishes"),
    ],
)
def test_what_cannot_work_is_refused(bank: type[Any], listener: type[Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        check_events([service("bank", Bank, bank), service("quiet", Quiet, listener)])
