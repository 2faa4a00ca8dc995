"""Small applications to run, written into a folder of their own for each test."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

CONTRACT = """
import asyncio, os
from typing import Protocol
from calve import Contract, Logger, Settings, Store, query, command

class Shop(Contract, Protocol, version="1.0"):
    @query(http="GET /name")
    async def name(self) -> str: ...
    @command()
    async def die(self) -> None: ...
"""

SERVICE = """
class ShopSettings(Settings):
    name: str = "shop"

class ShopService(Shop):
    def __init__(self, settings: ShopSettings, store: Store, log: Logger) -> None:
        self._settings, self._store, self._log = settings, store, log

    async def start(self) -> None:
        START

    async def stop(self) -> None:
        STOP

    async def name(self) -> str:
        self._log.info("asked for the name")
        return self._settings.name

    async def die(self) -> None:
        os._exit(3)
"""

Write = Callable[..., Path]


@pytest.fixture
def write(own_modules: None, tmp_path: Path) -> Write:
    """Write an application of one service, `shop`; it does nothing when it starts and stops unless told."""

    def make(*, start: str = "pass", stop: str = "pass", toml: str | None = None, more: str = "") -> Path:
        service = SERVICE.replace("START", start).replace("STOP", stop)
        (tmp_path / "little_shop.py").write_text(textwrap.dedent(CONTRACT + service + more))
        if toml is not None:
            (tmp_path / "calve.toml").write_text(toml)
        return tmp_path

    return make
