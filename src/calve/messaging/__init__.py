"""Room 5: events on their way from the service that publishes them to those that handle them.

    tx.publish(event) ──> log (calve.store.log) ──> Feed ──> Dispatcher ──> handlers
                                                     │
                                     LocalFeed: the same process     RemoteFeed: over the wire, no broker

on, Handler, handlers_of    which events a service handles                         handlers.py
Feed, LocalFeed             reading the log of a service in this process           base.py, local.py
RemoteFeed, log_endpoints   reading the log of a service in another unit           remote.py
Dispatcher                  one shard: batches, retries, keys held back, parked   dispatcher.py, progress.py, parking.py
Desk, DESK                  what is said to operators, and done for them           desk.py
prune_logs                  letting go of what is old and was read                pruning.py
Consumers                   every dispatcher of a service                          consumers.py
"""

from .base import Feed
from .batch import DispatchOptions
from .consumers import Consumers
from .desk import DESK, Desk, desk_endpoints
from .dispatcher import Dispatcher
from .handlers import Handler, handlers_of, on
from .local import LocalFeed
from .metrics import ConsumerMetrics
from .parking import Parking
from .pruning import prune_logs
from .remote import LOG, RemoteFeed, log_endpoints

__all__ = [
    "ConsumerMetrics",
    "Consumers",
    "DESK",
    "Desk",
    "desk_endpoints",
    "Dispatcher",
    "DispatchOptions",
    "Feed",
    "Handler",
    "handlers_of",
    "LocalFeed",
    "LOG",
    "log_endpoints",
    "on",
    "Parking",
    "prune_logs",
    "RemoteFeed",
]
