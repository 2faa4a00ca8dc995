"""One contract, one service, one file: served over REST, over the wire, and documented.

    $ calve run &
    $ calve call hello.greet name=Ada

While it runs: http://127.0.0.1:8000/hello/Ada, and http://127.0.0.1:8000/docs for people and machines.
"""

from __future__ import annotations

from typing import Annotated, Protocol

from calve import Contract, Message, Meta, query

Name = Annotated[str, Meta(min_length=1, max_length=80)]


class Greeting(Message):
    """What is said."""

    text: str


class Hello(Contract, Protocol, version="1.0"):
    """Greets people. The contract is all that others may know of the service."""

    @query(http="GET /hello/{name}")
    async def greet(self, name: Name) -> Greeting:
        """A friendly word."""
        ...


class HelloService(Hello):
    """Keeps the promise."""

    async def greet(self, name: Name) -> Greeting:
        return Greeting(text=f"Hello, {name}!")
