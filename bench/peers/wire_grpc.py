"""grpc.aio, as a Python team would use it: one channel, one unary method, a deadline on every call.

Generic handlers with msgspec as the serialiser on both sides, so that nothing has to be generated; that is faster than
protobuf's own messages and therefore in gRPC's favour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import msgspec

from ..messages import ANSWER, REQUEST, Answer, Debit

_encode = msgspec.msgpack.Encoder().encode


async def _debit(request: Debit, context: Any) -> Answer:
    return ANSWER


async def serve(address: str, ready: Callable[[str], None]) -> None:
    """Serve until cancelled."""
    method = grpc.unary_unary_rpc_method_handler(_debit, msgspec.msgpack.Decoder(Debit).decode, _encode)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Wallet", {"debit": method}),))
    port = server.add_insecure_port(address.removeprefix("tcp://"))
    await server.start()
    ready(f"tcp://127.0.0.1:{port}")
    await asyncio.Event().wait()


async def connect(address: str) -> Callable[[], Any]:
    """One call per await."""
    channel = grpc.aio.insecure_channel(address.removeprefix("tcp://"))
    method = channel.unary_unary("/Wallet/debit", _encode, msgspec.msgpack.Decoder(Answer).decode)
    await method(REQUEST, timeout=10)
    return lambda: method(REQUEST, timeout=10)
