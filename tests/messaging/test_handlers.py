"""Which methods can handle events, and what is said of those that cannot."""

from __future__ import annotations

from typing import Any

import pytest

from calve import ConfigError, Transaction, on
from calve.messaging import handlers_of
from calve.messaging.handlers import declared_handlers
from calve.testing.store_suite.log import Opened, Unpromised


class Good:
    """Handles two sorts."""

    @on(Opened)
    async def opened(self, event: Opened, tx: Transaction) -> None:
        """One."""

    @on(Unpromised)
    async def other(self, event: Unpromised, tx: Transaction) -> None:
        """Another."""

    async def nothing(self) -> None:
        """Not a handler."""


class NotAsync:
    @on(Opened)  # type: ignore[arg-type]
    def opened(self, event: Opened, tx: Transaction) -> None: ...


class TooFew:
    @on(Opened)  # type: ignore[arg-type]
    async def opened(self, event: Opened) -> None: ...


class NoEvent:
    @on(int)  # type: ignore[type-var]
    async def opened(self, event: Any, tx: Transaction) -> None: ...


class Twice:
    @on(Opened)
    async def one(self, event: Opened, tx: Transaction) -> None: ...

    @on(Opened)
    async def two(self, event: Opened, tx: Transaction) -> None: ...


def test_the_handlers_of_a_service() -> None:
    found = {handler.event: handler.name for handler in handlers_of("notes", Good())}
    assert found == {Opened: "notes.opened", Unpromised: "notes.other"}


@pytest.mark.parametrize(
    ("cls", "text"),
    [
        (NotAsync, "async def opened"),
        (TooFew, "async def opened"),
        (NoEvent, "names no Event"),
        (Twice, "'one' and 'two' both handle Opened"),
    ],
)
def test_what_cannot_handle_is_refused(cls: type[Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        list(declared_handlers(cls))
