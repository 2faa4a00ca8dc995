"""Ejecting: a service as a plain project of its own, with Starlette and SQL and without Calve. Nobody is locked in.

    closure.py      which modules go along
    rewrite.py      their imports of Calve lead to a support package; text.py, names.py
    signatures.py   operations as they are written
    routes.py       a handler per operation
    clients.py      the services it calls, over HTTP
    facts.py        what is known of the service, and its settings
    composing.py    settings, store, neighbours, service, routes: put together
    project.py      README, pyproject.toml, a test
    ejecting.py     all of it, in order
    template/       the support package, as it is written out

What has no counterpart is refused before anything is written, with the line and what to do.
"""

from .base import Ejected, EjectRefused, Refusal, write
from .ejecting import eject

__all__ = ["eject", "Ejected", "EjectRefused", "Refusal", "write"]
