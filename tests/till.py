"""A small real project of two services, one of which calls the other, for tests that run it as its users do."""

from __future__ import annotations

from pathlib import Path

TOML = """\
[app]
name = "till"
services = ["till.purse", "till.desk"]

[topology.split]
front = ["desk"]
money = ["purse"]

[http]
port = 0
"""

PURSE = '''
"""Counts coins."""
from typing import Protocol
from calve import Contract, Logger, Settings, Store, command, query

class PurseSettings(Settings):
    coins: int = 7

class Purse(Contract, Protocol, version="1.0"):
    """Coins."""

    @query(http="GET /coins")
    async def coins(self) -> int:
        """How many there are."""
        ...

class PurseService(Purse):
    def __init__(self, settings: PurseSettings, log: Logger) -> None:
        self._settings, self._log = settings, log

    async def coins(self) -> int:
        self._log.info("counted")
        return self._settings.coins
'''

DESK = '''
"""Asks the purse."""
from typing import Protocol
from calve import Contract, Logger, query
from till.purse import Purse

class Desk(Contract, Protocol, version="2.1"):
    """Where one asks."""

    @query(http="GET /answer")
    async def answer(self) -> str:
        """In words."""
        ...

class DeskService(Desk):
    def __init__(self, purse: Purse, log: Logger) -> None:
        self._purse, self._log = purse, log

    async def answer(self) -> str:
        self._log.info("asked")
        return f"{await self._purse.coins()} coins"
'''


def write_till(folder: Path, *, stored: bool = False) -> Path:
    """Write it.

    Args:
        stored: Whether the purse has a store, which it does not need.
    Returns: the folder of the project.
    """
    purse = PURSE.replace("log: Logger) ->", "log: Logger, store: Store) ->") if stored else PURSE
    (folder / "till").mkdir(parents=True)
    for name, text in (("__init__.py", ""), ("purse.py", purse), ("desk.py", DESK)):
        (folder / "till" / name).write_text(text)
    (folder / "calve.toml").write_text(TOML)
    return folder
