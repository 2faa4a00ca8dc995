"""A market of three services on disk, to be put together in every way that can go right or wrong."""

from __future__ import annotations

import importlib
import tempfile
import textwrap
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from calve.bootstrap import Application, Base
from calve.core.errors import ConfigError
from calve.runtime import AppConfig, load_config

MODULES = {
    "market/events.py": """
        SEEN = []
        "What happened to services, in order."
    """,
    "market/bank.py": """
        import asyncio
        from typing import Protocol
        from calve import Contract, Logger, Store, command, query
        from .events import SEEN

        class Bank(Contract, Protocol, version="1.0"):
            @command(http="POST /accounts/{owner}/debits", role="bank:write")
            async def debit(self, owner: str, cents: int) -> int: ...
            @query(http="GET /accounts/{owner}")
            async def balance(self, owner: str) -> int: ...
            @query(http="GET /slow")
            async def slow(self) -> str: ...

        class BankService(Bank):
            def __init__(self, store: Store, log: Logger) -> None:
                self.store, self.log = store, log
                self.called, self.go_on = asyncio.Event(), asyncio.Event()
            async def start(self) -> None:
                SEEN.append("start bank")
            async def stop(self) -> None:
                SEEN.append("stop bank")
            async def debit(self, owner: str, cents: int) -> int:
                self.log.info("debited")
                async with self.store.transaction() as tx:
                    await tx.execute(
                        "INSERT INTO account VALUES (:owner, -:cents)"
                        " ON CONFLICT DO UPDATE SET cents = cents - :cents",
                        owner=owner, cents=cents,
                    )
                    return (await tx.one("SELECT cents FROM account WHERE owner = :owner", int, owner=owner))
            async def balance(self, owner: str) -> int:
                found = await self.store.one("SELECT cents FROM account WHERE owner = :owner", int, owner=owner)
                return found or 0
            async def slow(self) -> str:
                self.called.set()
                await self.go_on.wait()
                return "done"
    """,
    "market/schema/0001_accounts.sql": """
        CREATE TABLE account (owner TEXT PRIMARY KEY, cents INTEGER NOT NULL) STRICT;
    """,
    "market/till.py": """
        from typing import Protocol
        from calve import Contract, Logger, query
        from .bank import Bank
        from .events import SEEN

        class Till(Contract, Protocol, version="1.0"):
            @query(http="GET /till/{owner}")
            async def sell(self, owner: str) -> int: ...
            @query(http="GET /till/{owner}/wait")
            async def wait(self, owner: str) -> str: ...

        class TillService(Till):
            def __init__(self, bank: Bank, log: Logger) -> None:
                self.bank, self.log = bank, log
            async def start(self) -> None:
                SEEN.append(f"start till with {await self.bank.balance('house')}")
            async def stop(self) -> None:
                SEEN.append(f"stop till with {await self.bank.balance('house')}")
            async def sell(self, owner: str) -> int:
                self.log.info("sold")
                return await self.bank.debit(owner, 1)
            async def wait(self, owner: str) -> str:
                return await self.bank.slow()
    """,
    "market/plain.py": """
        from typing import Protocol
        from calve import Contract, query

        class Plain(Contract, Protocol, version="1.0"):
            @query()
            async def nothing(self) -> None: ...

        class PlainService(Plain):
            async def nothing(self) -> None: ...
    """,
}

TOML = """\
[app]
name = "market"
services = ["market.till", "market.bank", "market.plain"]
{app}
[http]
port = 0
{http}
[topology.split]
front = ["till", "plain"]
money = ["*"]
"""


class Market:
    """The project, and what is built of it."""

    def __init__(self, root: Path, stack: AsyncExitStack) -> None:
        self.root, self._stack = root, stack
        for path, text in MODULES.items():
            self.write(path, text)

    def write(self, path: str, text: str) -> None:
        """Write a module or a schema file; instead of what is there."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).lstrip())

    def replace(self, path: str, old: str, new: str) -> None:
        """Change a module."""
        text = (self.root / path).read_text()
        assert old in text
        (self.root / path).write_text(text.replace(old, new))

    def config(self, more: str = "", *, app: str = "", http: str = "", **environ: str) -> AppConfig:
        """Write and read calve.toml with nothing of the machine's environment."""
        path = self.root / "calve.toml"
        path.write_text(TOML.format(app=app, http=http) + more)
        return load_config(path, environ=environ)

    def application(self, config: AppConfig | None = None, hosted: Collection[str] | None = None, **parts: Any) -> Any:
        """An application that is not started; hosts everything unless told."""
        config = config or self.config()
        remote = parts.pop("remote", None)
        progress = parts.pop("progress", lambda step: None)
        return Application(
            config, config.services if hosted is None else hosted, Base.make(**parts), remote, progress=progress
        )

    async def started(self, *args: Any, **options: Any) -> Any:
        """A started application, stopped at the end of the test."""
        application = self.application(*args, **options)
        await application.start()
        self._stack.push_async_callback(application.stop)
        return application

    def contract(self, service: str) -> Any:
        """The contract of a service."""
        return getattr(self.module(f"market.{service}"), service.capitalize())

    def module(self, name: str) -> Any:
        """A module of the project."""
        return importlib.import_module(name)

    @property
    def seen(self) -> list[str]:
        """What happened to services so far."""
        found: list[str] = self.module("market.events").SEEN
        return found

    @property
    def data(self) -> Path:
        """Where databases are."""
        return self.root / "data"


async def refusal(application: Any) -> str:
    """Why an application does not start."""
    with pytest.raises(ConfigError) as caught:
        await application.start()
    return str(caught.value)


@pytest.fixture
async def market(importable: Path) -> AsyncIterator[Market]:
    """The project; every test imports its own."""
    async with AsyncExitStack() as stack:
        yield Market(importable, stack)


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="calve-") as folder:
        yield Path(folder)
