"""Contracts, kept: what was promised, written down, and compared with what is promised now.

    describe_contract(service, info)     code -> Description                                describe.py, model.py
    with_numbers(new, old)               … with protobuf numbers that stay put              numbers.py
    write_lock, read_lock                Description <-> contracts/<service>.lock.json      file.py
    compare(old, new)                    what changed, for whom it breaks, what to do       compare.py, reading.py

Nothing here reads argv, git or a configuration: see `calve.cli`.
"""

from .compare import Comparison, Finding, compare
from .describe import Described, describe_contract
from .file import FOLDER, SUFFIX, load_lock, lock_name, read_lock, write_lock
from .model import Description
from .numbers import with_numbers

__all__ = [
    "compare",
    "Comparison",
    "describe_contract",
    "Described",
    "Description",
    "Finding",
    "FOLDER",
    "load_lock",
    "lock_name",
    "read_lock",
    "SUFFIX",
    "with_numbers",
    "write_lock",
]
