"""What the members' book promises: it tells of everybody who joins."""

from __future__ import annotations

from typing import Annotated, Protocol

from calve import Contract, DomainError, Event, Meta, command

Name = Annotated[str, Meta(min_length=1, max_length=80)]


class Joined(Event):
    """Somebody has become a member."""

    name: str
    number: int
    """Counts up, from 1."""


class AlreadyAMember(DomainError):
    """Nobody joins twice."""

    status = 409
    name: str


class Members(Contract, Protocol, version="1.0", publishes=[Joined]):
    """The members' book."""

    @command(http="POST /members/{name}", raises=[AlreadyAMember])
    async def join(self, name: Name) -> int:
        """Become a member; the answer is the number."""
        ...
