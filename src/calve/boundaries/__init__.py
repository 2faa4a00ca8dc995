"""The boundaries between services, checked: what is called in this room stays out of every process that serves.

    source.py     the application's files, parsed and never imported
    names.py      imports, and where a name is defined in the end
    contracts.py  contracts, operations, implementations and their constructors
    territory.py  which module belongs to which service, and what others may see
    imports.py    rules: import, contract, unowned
    sql.py, texts.py, data.py     rules: store, table
    flow.py, walk.py, calls.py    which operation calls which
    chains.py     rules: chain, circle
    check.py      all of them, and what calve.toml accepts
    callers.py    who declared which calls: what strict mode asks at run time

The source is read as data, because importing it would run it, and because the modules that break the rules are those
that may not be imported.
"""

from .base import Note, Violation
from .callers import declared_callers
from .check import Report, check
from .territory import Application

__all__ = ["Application", "check", "declared_callers", "Note", "Report", "Violation"]
