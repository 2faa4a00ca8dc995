"""Room 2: implementing contracts and calling them.

One call, in the order it runs:

    caller: await self.wallet.debit(owner, 5)
      stub.py        binds the arguments to a request, makes the callee's context (deadline, principal, trace, key)
      resilience/    the caller's guard: time limit, breaker, slot, attempts, fallback
        hosted here  -> the codec, then the chain       elsewhere -> remote.py, transport/wire, their chain
      chain.py       deadline, admission, span, metrics, middleware; maps what comes out to an answer or a typed error
      service.py     the author's method

Before any call:

    loading.py       "shop.wallet" -> its contract and, if hosted here, its implementation
    lazy.py          `calve.stub`: stubs for adopted applications, which get nothing injected
    injection.py     constructor parameters by type; everything that can be missing is missed before start
"""

from .admission import DeclaredCallers
from .base import Call, Middleware, Proceed
from .chain import Chain
from .injection import Injector, dependency_graph
from .loading import LoadedService, load_contract, load_object, load_service
from .remote import RemoteCaller, remote_endpoints
from .stub import make_stub

__all__ = [
    "Call",
    "Chain",
    "DeclaredCallers",
    "dependency_graph",
    "Injector",
    "load_contract",
    "load_object",
    "load_service",
    "LoadedService",
    "make_stub",
    "Middleware",
    "Proceed",
    "remote_endpoints",
    "RemoteCaller",
]
