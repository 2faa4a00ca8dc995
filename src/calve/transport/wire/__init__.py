"""The native wire: how Calve processes call each other, many calls on one connection.

    a call      client.py -> routes.py -> channel.py -> client_link.py ~~~ server_link.py -> served.py -> Endpoint
    below it    link.py (a connection at work) on protocol.py (the rules, no I/O) on frames.py (the data)
    where       address.py, resolver.py, names.py, dns.py; which of several: fitness.py
    around it   dialling.py, listeners.py, tls.py (sockets), failures.py (errors)

Start with protocol.py for what is on the wire and with client.py for what a call can come to.
"""

from .address import Address
from .base import Resolver, WireOptions
from .client import WireClient
from .dialling import Dialler
from .names import DnsName, Names, NamesOptions
from .resolver import FileResolver, SourceResolver, StaticResolver, parse_sources
from .server import WireServer
from .tls import TlsOptions

__all__ = [
    "Address",
    "Dialler",
    "DnsName",
    "FileResolver",
    "Names",
    "NamesOptions",
    "parse_sources",
    "Resolver",
    "SourceResolver",
    "StaticResolver",
    "TlsOptions",
    "WireClient",
    "WireOptions",
    "WireServer",
]
