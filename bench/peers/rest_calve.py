"""Ours, with everything on: the REST edge, the full chain (deadline, context, role, metrics), the service."""

from __future__ import annotations

from uuid import UUID

from calve.bootstrap import Base
from calve.contract import describe
from calve.service import Chain
from calve.transport.rest import RestEdge

from ..messages import Answer, Item, Wallet


class WalletService(Wallet):
    """Does next to nothing, so that only the edge is measured."""

    async def debit(self, order_id: UUID, amount_cents: int, items: tuple[Item, ...]) -> Answer:
        return Answer(ok=True, balance=amount_cents)


def make() -> RestEdge:
    """The application; has to be made on the loop it runs on."""
    base = Base.make()
    chain = Chain(
        wheel=base.wheel, clock=base.clock, registry=base.registry, tracing=base.tracing, log=base.log, middleware=()
    )
    endpoint = chain.endpoint("wallet", describe(Wallet).operations["debit"], WalletService().debit)
    return RestEdge([endpoint], title="bench", version="1")
