"""Tracing: OpenTelemetry spans of every call, through every hop, by the standard variables and nothing else.

    $ OTEL_TRACES_EXPORTER=console calve run > spans.txt &
    $ calve call till.sell product=tea
    $ kill %1
    $ grep '"name":' spans.txt

With OTEL_EXPORTER_OTLP_ENDPOINT=http://… the spans go to Jaeger, Tempo or whatever speaks OTLP. The trace id crosses
the wire and REST in the W3C header `traceparent`; with no exporter set, tracing costs next to nothing.
"""

from __future__ import annotations

from typing import Protocol

from calve import Contract, query

from .stock import Stock


class Till(Contract, Protocol, version="1.0"):
    """Sells things."""

    @query(http="GET /till/{product}")
    async def sell(self, product: str) -> str:
        """Sell one if there is one."""
        ...


class TillService(Till):
    """Calls stock; the span of that call is a child of the span of this one."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    async def sell(self, product: str) -> str:
        left = await self._stock.count(product) - 1
        return f"sold, {left} left"
