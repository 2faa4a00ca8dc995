"""The settings of a PostgreSQL store, in one place. The defaults are what the documentation speaks of."""

from __future__ import annotations

import msgspec


class PostgresOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How one service of one process uses its database."""

    connections_max: int = 10
    """Most connections at a time; a server has 100 by default, for all services and replicas together."""
    idle_seconds: float = 60.0
    """A connection that nobody used for this long is closed."""
    connect_seconds: float = 5.0
    """How long to wait for a new connection."""
    wait_seconds: float = 10.0
    """How long a statement or transaction waits for a free connection; then StoreBusy."""
    hold_seconds_max: float = 30.0
    """Longest time for one transaction or snapshot block; then it is rolled back, by the server if need be."""
    turn_seconds: float = 0.5
    """How long a transaction that runs again waits for the others to end, so that it is alone; then it runs beside
    them. One process that hangs in a transaction can delay the others by this much for each collision."""
    application_name: str = "calve"
    """What `pg_stat_activity` shows."""
