"""HTTP/1.1 in the running event loop: Calve's own server, on httptools' parser.

    bytes ──> httptools ──> Http1Connection ──> Request ──> the application, in a task
                              framing, limits      ASGI's receive and send, or `Direct`
                              times, pipelining    head, length, chunks of the answer
                  Http1Server: the listening socket, all connections, one clock for their time limits

Nothing here knows the REST edge; any ASGI application will do. `server.py` is imported when one is made, because
it loads the parser.
"""

from .base import Direct, DirectApp
from .options import Http1Options

__all__ = ["Direct", "DirectApp", "Http1Options"]
