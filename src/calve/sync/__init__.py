"""Calls of contracts from code that is not asynchronous: in an adopted application, or anywhere outside of units.

    from calve import sync

    wallet = sync.client(Wallet)
    wallet.balance(owner)                       an answer, or the error, as a service would get it
    wallet(Wallet.balance, owner)               the same, and type checkers know the arguments and the answer

Where the call goes is looked up when it is made:

    within a unit (a thread of an adopted application)     to the unit's event loop, on which the stubs are; deadline,
                                                           principal and trace of the request go along
    outside (a script, a worker, a management command)     over the wire, from a connection that this process shares and
                                                           that is opened at the first call, as `calve call` does

A process that was forked from either is outside, and opens a connection of its own.
"""

from .client import Client
from .connection import Connection, client, close, connect

__all__ = ["Client", "client", "close", "connect", "Connection"]
