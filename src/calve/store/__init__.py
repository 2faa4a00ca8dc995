"""Room 4: a service's own database, which no other service can open.

Store, Transaction, Reader      the ports, and the rules every adapter keeps         base.py
                                what a command with an idempotency key leaves        marks.py
Row                             what comes back                                      rows.py
SchemaFile, load_schema         numbered SQL files, applied and verified at start    schema.py
run_again                       what runs again after transactions collided          again.py
sqlite_path, postgres_target    from [store] url to a file, or to a server           calve/core/place.py
SqliteStore                     the embedded default                                 sqlite/
PostgresStore                   for several replicas; `calve[postgres]`              postgres/ (imported from there)
"""

from ..core.place import PostgresTarget, postgres_target, sqlite_path, store_scheme
from .again import run_again, running_again, running_attempt
from .base import Reader, Store, Transaction
from .errors import (
    CommitUnknown,
    ConstraintViolated,
    SchemaError,
    StatementError,
    StoreBusy,
    StoreConflict,
    StoreUnavailable,
    TransactionError,
)
from .metrics import StoreMetrics
from .rows import Row
from .schema import Dialect, SchemaFile, load_schema
from .sqlite import SqliteOptions, SqliteStore

__all__ = [
    "CommitUnknown",
    "ConstraintViolated",
    "Dialect",
    "load_schema",
    "postgres_target",
    "PostgresTarget",
    "Reader",
    "Row",
    "run_again",
    "running_again",
    "running_attempt",
    "SchemaError",
    "SchemaFile",
    "sqlite_path",
    "SqliteOptions",
    "SqliteStore",
    "StatementError",
    "Store",
    "store_scheme",
    "StoreBusy",
    "StoreConflict",
    "StoreMetrics",
    "StoreUnavailable",
    "Transaction",
    "TransactionError",
]
