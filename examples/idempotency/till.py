"""Idempotency keys: the same command under the same key has its effect once, whoever repeats it and why.

    $ python till.py

The contract in `counter.py` over a store of its own, served by a REST edge in this process. What is printed is what
clients see: the first answer, the same one again, the refusal of another request under the same key, and of one that
comes too early. Then the process "dies" and another one opens the same database: the answer is still known.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from counter import SCHEMA, Till, TillService

from calve.store import SqliteStore
from calve.testing import Answer, AsgiClient, endpoints_of
from calve.transport.rest import RestEdge


@asynccontextmanager
async def till(database: Path, drawer: asyncio.Lock) -> AsyncIterator[AsgiClient]:
    """The service over its database, behind a REST edge."""
    async with await SqliteStore.open(database, [SCHEMA]) as store:
        endpoints = endpoints_of(Till, TillService(store, drawer), store=store)
        yield AsgiClient(RestEdge(endpoints.values(), title="till", version="1.0.0"))


async def sell(client: AsgiClient, cents: int, key: str) -> Answer:
    """One request, and a line about its answer."""
    answer = await client.request("POST", "/sales", json={"cents": cents}, headers={"Idempotency-Key": key})
    shown = answer.json() if answer.status == 200 else answer.json()["code"]
    repeated = ", repeated" if answer.headers.get("idempotency-replayed") == "true" else ""
    print(f"{key}: {cents} cents: {answer.status} {shown}{repeated}")
    return answer


async def main() -> None:
    """A day at the till."""
    drawer = asyncio.Lock()
    with tempfile.TemporaryDirectory() as folder:
        async with till(Path(folder, "till.db"), drawer) as client:
            first = await sell(client, 500, "order-1")
            again = await sell(client, 500, "order-1")
            assert again.body == first.body
            await sell(client, 900, "order-1")
            async with drawer:  # it jams, so that the next sale takes its time
                slow = asyncio.ensure_future(sell(client, 700, "order-2"))
                await asyncio.sleep(0)  # the sale begins
                await sell(client, 700, "order-2")
            await slow
        async with till(Path(folder, "till.db"), drawer) as client:
            await sell(client, 500, "order-1")
            print("taken:", (await client.request("GET", "/sales")).json())


if __name__ == "__main__":
    asyncio.run(main())
