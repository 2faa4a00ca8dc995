"""What notification promises: a customer sees every message once, in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID

from calve import Contract, Message, Meta, command, query

Text = Annotated[str, Meta(min_length=1, max_length=1000)]
Position = Annotated[int, Meta(ge=0, le=2**53)]


class Notice(Message):
    """A message to a customer."""

    number: int
    """Counts up; later messages have higher numbers."""
    id: UUID
    text: str
    at: datetime


class Notification(Contract, Protocol, version="1.0"):
    """Messages to customers."""

    @command()
    async def notify(self, notice: UUID, customer: UUID, text: Text) -> None:
        """Leave a message. The same `notice` is one message, however often it is sent."""
        ...

    @query(http="GET /customers/{customer}/notices")
    async def notices(
        self, customer: UUID, after: Position = 0, limit: Annotated[int, Meta(ge=1, le=100)] = 50
    ) -> tuple[Notice, ...]:
        """A customer's messages with a number above `after`, the oldest first."""
        ...

    @query(http="GET /customers/{customer}/notices/live")
    def watch(self, customer: UUID, after: Position = 0) -> AsyncIterator[Notice]:
        """Messages with a number above `after`, then each new one as it comes; never ends by itself."""
        ...
