"""The REST edge alone: a contract as an ASGI application, to be served by uvicorn or mounted in FastAPI.

    $ uvicorn --port 8631 weather:app &
    $ curl -s http://127.0.0.1:8631/weather/oslo

What it still gives: checked arguments, problem documents, server-sent events, /openapi.json and /docs.
"""

from __future__ import annotations

from typing import Any, Protocol

from calve import CallContext, Contract, DomainError, Message, query
from calve.contract import Endpoint, describe
from calve.transport.rest import RestEdge


class Report(Message):
    """The weather somewhere."""

    town: str
    celsius: float


class UnknownTown(DomainError):
    """Nobody measures there."""

    status = 404
    town: str


class Weather(Contract, Protocol, version="1.0"):
    """The weather."""

    @query(http="GET /weather/{town}", raises=[UnknownTown])
    async def report(self, town: str) -> Report:
        """As of now."""
        ...


async def report(context: CallContext, request: Any) -> Report:
    """Any coroutine function can stand behind an endpoint; it raises what the operation declares."""
    measured = {"oslo": -3.5, "rome": 19.0}
    if request.town not in measured:
        raise UnknownTown(town=request.town)
    return Report(town=request.town, celsius=measured[request.town])


app = RestEdge([Endpoint("weather", describe(Weather).operations["report"], report)], title="weather", version="1.0.0")
