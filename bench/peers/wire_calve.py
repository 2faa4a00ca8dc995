"""Ours, with everything on: stub, caller's half, wire, full chain (deadline, role, span decision, metrics), service."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from calve.bootstrap import Base
from calve.contract import describe
from calve.service import Chain, make_stub, remote_endpoints
from calve.transport.wire import Address, StaticResolver, TlsOptions, WireClient, WireServer

from ..messages import ANSWER, ITEMS, REQUEST, Answer, Item, Wallet

CERTIFICATES = "CALVE_BENCH_CERTIFICATES"
"""Environment variable with the folder of ca.pem, cert.pem and key.pem."""


class WalletService(Wallet):
    """Does nothing, so that only the call is measured."""

    async def debit(self, order_id: UUID, amount_cents: int, items: tuple[Item, ...]) -> Answer:
        return ANSWER


def _tls(address: str) -> TlsOptions | None:
    if not address.startswith("tls:"):
        return None
    folder = Path(os.environ[CERTIFICATES])
    return TlsOptions(cert=str(folder / "cert.pem"), key=str(folder / "key.pem"), ca=str(folder / "ca.pem"))


async def serve(address: str, ready: Callable[[str], None]) -> None:
    """Serve until cancelled."""
    base = Base.make()
    chain = Chain(
        wheel=base.wheel, clock=base.clock, registry=base.registry, tracing=base.tracing, log=base.log, middleware=()
    )
    endpoint = chain.endpoint("wallet", describe(Wallet).operations["debit"], WalletService().debit)
    server = WireServer([endpoint], wheel=base.wheel, clock=base.clock)
    ready(str(await server.listen(Address.parse(address), _tls(address))))
    await asyncio.Event().wait()


async def connect(address: str) -> Callable[[], Any]:
    """One call per await."""
    base, info = Base.make(), describe(Wallet)
    client = WireClient(StaticResolver({"wallet": [address]}), wheel=base.wheel, clock=base.clock, tls=_tls(address))
    endpoints = remote_endpoints(info, "wallet", client, clock=base.clock, registry=base.registry, tracing=base.tracing)
    wallet: Wallet = make_stub(info, "wallet", endpoints, hosted=False)
    order_id, amount = REQUEST.order_id, REQUEST.amount_cents
    await wallet.debit(order_id, amount, ITEMS)
    return lambda: wallet.debit(order_id, amount, ITEMS)
