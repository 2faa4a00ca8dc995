"""Room 4: a service's own database, which no other service can open.

Store, Transaction, Reader      the ports, and the rules every adapter keeps         base.py
Row                             what comes back                                      rows.py
SchemaFile, load_schema         numbered SQL files, applied and verified at start    schema.py
sqlite_path                     from [store] url to a file                           url.py
SqliteStore                     the embedded default                                 sqlite/
"""

from .base import Reader, Store, Transaction
from .errors import (
    ConstraintViolated,
    SchemaError,
    StatementError,
    StoreBusy,
    StoreUnavailable,
    TransactionError,
)
from .metrics import StoreMetrics
from .rows import Row
from .schema import SchemaFile, load_schema
from .sqlite import SqliteOptions, SqliteStore
from .url import sqlite_path

__all__ = [
    "ConstraintViolated",
    "load_schema",
    "Reader",
    "Row",
    "SchemaError",
    "SchemaFile",
    "sqlite_path",
    "SqliteOptions",
    "SqliteStore",
    "StatementError",
    "Store",
    "StoreBusy",
    "StoreMetrics",
    "StoreUnavailable",
    "Transaction",
    "TransactionError",
]
