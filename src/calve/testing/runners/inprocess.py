"""The runner `inprocess`: everything in the test's own event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ...bootstrap import Application, Base
from ...bootstrap.edge import make_edge
from ..asgi import AsgiClient
from .base import App, Runner, bounded
from .project import Project


class InProcessRunner(Runner):
    """One process, as `calve run` has it with the topology `one`."""

    name = "inprocess"

    @asynccontextmanager
    async def _run(self, project: Project) -> AsyncIterator[App]:
        application = Application(project.config, project.config.hosted, Base.make())
        async with bounded(application.start, application.stop):
            edge = make_edge(application, application.edge_endpoints())
            yield App(application.get, AsgiClient(edge))
