"""Modules without Calve: what changes, what stays as it was, what is refused."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from calve.boundaries.source import Module
from calve.eject import Refusal
from calve.eject.rewrite import rewrite


def rewritten(text: str, wanted: frozenset[str] = frozenset()) -> tuple[str, list[Refusal]]:
    """The source of a module, and what is refused."""
    source = textwrap.dedent(text).lstrip("\n")
    return rewrite(Module("town.bank", Path("town/bank.py"), source), source, "support", wanted, "town/bank.py")


def plain(text: str, wanted: frozenset[str] = frozenset()) -> str:
    """The source of a module in which nothing is refused."""
    source, refusals = rewritten(text, wanted)
    assert refusals == []
    return source


def same(text: str) -> str:
    """Text as it is written here."""
    return textwrap.dedent(text).lstrip("\n")


def test_a_contract_becomes_a_plain_protocol_and_keeps_its_comments() -> None:
    assert plain(
        '''
        """Money."""

        from typing import Protocol

        from calve import Contract, DomainError, Message, command, query


        class Broke(DomainError):
            status = 409


        class Bank(  # of the town
            Contract, Protocol, version="1.0"
        ):
            """Keeps money."""

            @command(
                http="POST /payments",  # gone
                raises=[Broke],
            )
            async def pay(self, cents: int) -> None:
                """Pay."""  # stays

            @query(http="GET /balance")
            async def balance(self) -> int: ...
        '''
    ) == same(
        '''
        """Money."""

        from typing import Protocol

        from support import DomainError, Message


        class Broke(DomainError):
            status = 409


        class Bank(  # of the town
            Protocol
        ):
            """Keeps money."""

            async def pay(self, cents: int) -> None:
                """Pay."""  # stays

            async def balance(self) -> int: ...
        '''
    )


def test_imports_of_several_rooms_become_one() -> None:
    assert plain(
        """
        from calve import CalveError, Clock, Store as Database
        from calve.store import Reader
        from os import path
        """
    ) == same(
        """
        from support import Clock, Reader, ServiceError as CalveError, Store as Database
        from os import path
        """
    )


def test_what_only_declarations_needed_is_imported_no_more() -> None:
    text = """
        from typing import Protocol
        from calve import Contract, query
        from .errors import Closed, Gone
        from .types import (
            Page,
            Size,
        )

        class Shop(Contract, Protocol, version="1.0"):
            @query(raises=[Closed, Gone])
            async def page(self, size: "Size") -> Page: ...
        """
    assert "errors" not in plain(text)
    assert "from .types import (" in plain(text)
    assert "from .errors import Closed\n" in plain(text, frozenset({"Closed"}))


def test_what_has_no_counterpart_may_be_in_what_is_taken_out() -> None:
    text = """
        from typing import Protocol
        from calve import Contract, Policy, query

        class Shop(Contract, Protocol, version="1.0"):
            @query(policy=Policy(attempts=3))
            async def page(self) -> int: ...
        """
    assert "calve" not in plain(text)
    _, refusals = rewritten(text + "\n        PATIENT = Policy()\n")
    assert "calve.Policy" in refusals[0].what


def test_imports_that_nobody_needed_stay_as_they_were() -> None:
    text = same("import os\nfrom .signals import wake\nfrom calve import Store\n")
    assert plain(text) == "import os\nfrom .signals import wake\nfrom support import Store\n"


def test_an_import_that_goes_leaves_no_gap() -> None:
    text = """
        from typing import Protocol

        from calve import Contract, query


        class Shop(Contract, Protocol, version="1.0"):
            @query()
            async def page(self) -> int: ...
        """
    assert plain(text).startswith("from typing import Protocol\n\n\nclass Shop(Protocol):\n")


def test_imports_within_blocks() -> None:
    assert plain(
        """
        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from calve import Store

        def contract():
            from calve import Contract
        """
    ) == same(
        """
        from typing import TYPE_CHECKING

        if TYPE_CHECKING:
            from support import Store

        def contract():
            pass
        """
    )


def test_text_outside_ascii_moves_nothing() -> None:
    text = """
        # Größe, naïveté, 東京 — before everything
        from calve import Contract, query
        from typing import Protocol

        class Ort(Contract, Protocol, version="1.0"):
            '''Ä 東京.'''; x = "é"

            @query()  # ü
            async def größe(self) -> int: ...
        """
    assert "class Ort(Protocol):" in plain(text)
    assert "'''Ä 東京.'''; x = \"é\"" in plain(text)
    assert "@query" not in plain(text)


@pytest.mark.parametrize(
    ("line", "named", "advice"),
    [
        ("import calve", "import calve", "write from calve import"),
        ("import calve.store as s", "import calve.store", "write from calve import"),
        ("from calve import current_call", "calve.current_call", "as a parameter"),
        ("from calve import Settings, Middleware", "calve.Middleware", "Starlette middleware"),
        ("from calve.runtime import load_config", "calve.runtime.load_config", "something of your own"),
        ("from calve import *", "calve.*", "something of your own"),
    ],
)
def test_what_has_no_counterpart_is_named_with_its_line(line: str, named: str, advice: str) -> None:
    _, refusals = rewritten(f"import os\n\n{line}\n")
    assert len(refusals) == 1
    assert refusals[0].where == "town/bank.py:3"
    assert named in refusals[0].what
    assert advice in refusals[0].fix
