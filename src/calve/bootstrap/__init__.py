"""The composition root: the only room that names concrete adapters, and puts a process together from them.

    Base           what belongs to the event loop: timer wheel, clock, metrics, tracing, log       application.py
    Application    the services hosted in this process, constructed and callable; no sockets       application.py
    UnitProcess    an Application plus its listeners: wire, REST edge, health and metrics pages    unit.py
    check_project  the whole project checked and its dependency graph, without starting anything   checking.py

Swap an adapter here and nowhere else; tests build an Application with a fake in place of what they do not want.
"""

from .application import Application, Base
from .checking import check_project
from .unit import UnitProcess, build_unit

__all__ = ["Application", "Base", "build_unit", "check_project", "UnitProcess"]
