"""The runner `codec`: one process, but calls between services go through the native wire, over pipes in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager

from ...bootstrap import Application, Base, describe_services
from ...bootstrap.edge import make_edge
from ...runtime import AppConfig
from ...runtime.plan import start_order
from ...runtime.wire import wire_options
from ...transport.wire import StaticResolver, WireClient, WireServer
from ..asgi import AsgiClient
from ..fakes.wire import MemoryNetwork
from .base import App, Runner, bounded
from .project import Project


class CodecRunner(Runner):
    """Every service with a wire server, a client and a store of its own, in the test's event loop."""

    name = "codec"

    @asynccontextmanager
    async def _run(self, project: Project) -> AsyncIterator[App]:
        config, network = project.config, MemoryNetwork()
        edges: dict[str, AsgiClient] = {}
        needs = {name: set(facts.needs) for name, facts in describe_services(config).items()}
        async with AsyncExitStack() as stack:
            for name in start_order(needs):
                if name in config.remotes:
                    continue
                application = await self._host(config, {name}, network, stack)
                network.serve(_address(name), await self._serve(config, application, stack))
                if name in config.adopted:
                    edges[name] = AsgiClient(make_edge(application, ()))
            caller = await self._host(config, (), network, stack)
            rest = AsgiClient(make_edge(caller, caller.edge_endpoints()))
            yield App(caller.get, rest, http=lambda service: edges.get(service, rest))

    async def _host(
        self, config: AppConfig, hosted: Collection[str], network: MemoryNetwork, stack: AsyncExitStack
    ) -> Application:
        base = Base.make()
        resolver = StaticResolver({name: [_address(name)] for name in config.services})
        client = WireClient(resolver, wheel=base.wheel, clock=base.clock, options=wire_options(config), dialler=network)
        stack.push_async_callback(client.close)
        application = Application(config, hosted, base, client)
        await stack.enter_async_context(bounded(application.start, application.stop))
        return application

    async def _serve(self, config: AppConfig, application: Application, stack: AsyncExitStack) -> WireServer:
        base = application.base
        server = WireServer(
            application.wire_endpoints(), wheel=base.wheel, clock=base.clock, options=wire_options(config)
        )
        stack.push_async_callback(server.close)
        return server


def _address(service: str) -> str:
    return f"unix:/{service}"
