"""The HTTP edge: REST with JSON, problems, server-sent events and an OpenAPI document, compiled from contracts.

    endpoints ──> RestEdge (ASGI) ──> HttpServer (our own, granian, or uvicorn)

Any ASGI server can serve a `RestEdge`, and `HttpServer` serves any ASGI application in the running event loop.
"""

from .base import AsgiApp, Authenticator, Guests, Headers, Page, Response
from .edge import RestEdge
from .options import RestOptions
from .server import HttpServer

__all__ = ["AsgiApp", "Authenticator", "Guests", "Headers", "HttpServer", "Page", "Response", "RestEdge", "RestOptions"]
