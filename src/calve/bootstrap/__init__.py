"""The composition root: the only room that names concrete adapters, and puts a process together from them.

    Base           what belongs to the event loop: timer wheel, clock, metrics, tracing, log       base.py
    Application    the services hosted in this process, constructed and callable; no sockets       application.py
      ├─ open_store               their databases                                                  stores.py
      └─ load_middleware, …       what calve.toml names besides services                           extensions.py
    UnitProcess    an Application plus its listeners: wire, REST edge, health and metrics pages    unit.py
    rest_stub      a contract that an HTTP service elsewhere fulfils                               remotes.py
    make_edge      the REST edge of an Application                                                 edge.py
    describe_services   every service loaded and checked, nothing started                          describing.py

Swap an adapter here and nowhere else; tests build an Application with a fake in place of what they do not want.
"""

from .application import Application
from .base import Base
from .describing import describe_services
from .remotes import rest_stub
from .unit import UnitProcess, build_unit

__all__ = ["Application", "Base", "build_unit", "describe_services", "rest_stub", "UnitProcess"]
