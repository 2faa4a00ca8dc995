"""The native wire: how Calve processes call each other, many calls on one connection.

    a call      client.py -> routes.py -> channel.py -> client_link.py ~~~ server_link.py -> served.py -> Endpoint
    below it    link.py (a connection at work) on protocol.py (the rules, no I/O) on frames.py (the data)
    around it   address.py, resolver.py (where), dialling.py, listeners.py, tls.py (sockets), failures.py (errors)

Start with protocol.py for what is on the wire and with client.py for what a call can come to.
"""

from .address import Address
from .base import Resolver, WireOptions
from .client import WireClient
from .dialling import Dialler
from .resolver import FileResolver, StaticResolver
from .server import WireServer
from .tls import TlsOptions

__all__ = [
    "Address",
    "Dialler",
    "FileResolver",
    "Resolver",
    "StaticResolver",
    "TlsOptions",
    "WireClient",
    "WireOptions",
    "WireServer",
]
