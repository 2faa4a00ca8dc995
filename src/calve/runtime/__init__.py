"""Room 11: what turns services into running processes.

calve.toml becomes an `AppConfig`, a topology becomes a plan of processes, the supervisor keeps them up, and inside each
of them `run_unit` takes one unit through its life. What a unit consists of is decided above, in `calve.bootstrap`.
"""

from __future__ import annotations

from .config import AppConfig, load_config
from .sections import settings_table
from .topology import Topology, Unit

__all__ = ["AppConfig", "load_config", "settings_table", "Topology", "Unit"]
