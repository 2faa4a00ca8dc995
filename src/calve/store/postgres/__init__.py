"""The store's PostgreSQL adapter, through asyncpg; needs the extra `calve[postgres]`.

PostgresStore, PostgresOptions      a service's database                     store.py, options.py
provision                           the SQL that makes roles, databases …    provision.py
"""

from .options import PostgresOptions
from .store import PostgresStore

__all__ = ["PostgresOptions", "PostgresStore"]
