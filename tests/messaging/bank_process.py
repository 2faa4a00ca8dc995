"""A bank that pays and publishes, and a notebook that writes down what it hears: one process, to be killed.

    python bank_process.py URL_OF_BANK URL_OF_NOTES PAYMENTS

Each payment is a row and an event; eight payers at once, each with keys of its own. Prints the number of each payment
that was acknowledged, and `done` when the notebook has all of them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from calve.contract import describe
from calve.core.clock import SystemClock
from calve.core.codec import Codec
from calve.messaging import Consumers, DispatchOptions, Handler, LocalFeed
from calve.observe import Logger
from calve.store import SchemaFile, SqliteStore, Store, Transaction, sqlite_path
from calve.store.log import Outlet
from calve.testing.store_suite.log import Bank, Opened

PAID = SchemaFile("0001_paid.sql", "CREATE TABLE paid (number INTEGER PRIMARY KEY, owner TEXT NOT NULL)")
NOTED = SchemaFile(
    "0001_noted.sql", "CREATE TABLE noted (place INTEGER PRIMARY KEY, owner TEXT NOT NULL, cents BIGINT NOT NULL)"
)
NOTE = """INSERT INTO noted (place, owner, cents)
SELECT coalesce(max(place), 0) + 1, :owner, :cents FROM noted"""
PAYERS = 8
POISON = "BANK_PROCESS_DIES_OF"


async def open_store(url: str, schema: SchemaFile) -> Store:
    """A store of either sort."""
    if url.startswith("sqlite:"):
        return await SqliteStore.open(sqlite_path(url, service="bank"), [schema])
    from calve.store.postgres import PostgresStore

    return await PostgresStore.open(url, [schema])


async def note(event: Opened, tx: Transaction) -> None:
    """The handler; dies of one event, as of a fault in a library written in C."""
    if str(event.cents) == os.environ.get(POISON):
        os.kill(os.getpid(), signal.SIGKILL)
    await tx.execute(NOTE, owner=event.owner, cents=event.cents)


async def pay(bank: Store, payer: int, payments: int) -> None:
    """Make the payments of one payer that are not there yet."""
    for number in range(payer, payments, PAYERS):
        if await bank.one("SELECT 1 FROM paid WHERE number = :number", number=number):
            continue
        owner = f"{payer} {number % 3}"

        async def once(tx: Transaction, number: int = number, owner: str = owner) -> None:
            await tx.execute("INSERT INTO paid (number, owner) VALUES (:number, :owner)", number=number, owner=owner)
            tx.publish(Opened(owner=owner, cents=number), key=owner)

        await bank.transact(once)
        print(number, flush=True)


async def main(bank_url: str, notes_url: str, payments: int) -> None:
    """See the module."""
    clock = SystemClock()
    async with await open_store(bank_url, PAID) as bank, await open_store(notes_url, NOTED) as notes:
        bank.log.outlet = Outlet("bank", describe(Bank), clock)
        feed = LocalFeed("bank", "notes", bank.log, shared=False, clock=clock)
        handler = Handler("notes.note", Opened, Codec(Opened), note)
        options = DispatchOptions(batch_max=5, look_seconds=0.1, pause_seconds=0.05)
        consumers = Consumers(notes, [(feed, [handler])], clock=clock, log=Logger("notes"), options=options)
        consumers.start()
        await asyncio.gather(*(pay(bank, payer, payments) for payer in range(PAYERS)))
        waiting = "SELECT (SELECT count(*) FROM noted) + (SELECT count(*) FROM calve_parked) AS n"
        while (await notes.one(waiting, int) or 0) < payments:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await consumers.stop()
    print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
