"""The service that test_greeter.py tests; see there."""

from __future__ import annotations

from typing import Protocol

from calve import Contract, DomainError, query


class Rude(DomainError):
    """Some names are not greeted."""

    name: str


class Greeter(Contract, Protocol, version="1.0"):
    """Greets people."""

    @query(http="GET /greetings/{name}", raises=[Rude])
    async def greet(self, name: str) -> str:
        """A friendly word."""
        ...


class GreeterService(Greeter):
    """Keeps the promise."""

    async def greet(self, name: str) -> str:
        if name == "Voldemort":
            raise Rude(name=name)
        return f"Hello, {name}!"
