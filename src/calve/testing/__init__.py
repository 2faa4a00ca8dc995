"""The testing room: what the tests of an application need, and conformance suites for whoever writes an adapter.

    runners, App, Runner     the same test in one process, through the codec, across processes     runners/
    stub_of, endpoints_of    a double of another service, called as the real one is                doubles.py
    VirtualClock             a clock that stands still until told                                  clock.py
    assert_compatible        old and new versions of a contract understand each other              contracts/
    AsgiClient, HttpClient   requests to an edge, without and with sockets                         asgi.py, rest.py
    SteadyLoad               requests at a fixed rate while something happens to their server      load.py
    FaultSwitch, SocketProxy services that fail, are slow or block; connections gone silent          faults.py
    ShiftedClocks            the time of day of a process jumps                                     wallclock.py
    virtual_time             an event loop that jumps instead of waiting                           loop.py
    fakes/                   one module per room, beside its ports

`runners` is a fixture; pytest finds it by itself where calve is installed (plugin.py).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .asgi import Answer, AsgiClient
    from .clock import VirtualClock
    from .contracts import assert_compatible
    from .doubles import endpoints_of, stub_of
    from .faults import Fault, FaultSwitch, SocketProxy
    from .load import LoadRequest, Sample, Samples, SteadyLoad
    from .loop import Stalled, VirtualLoop, run_virtual, virtual_clock, virtual_time
    from .rest import HttpClient, RestClient
    from .runners import App, Runner
    from .wallclock import ShiftedClocks

# Looked up on first use: pytest loads the plugin, hence this package, in every run on a machine that has calve.
_ROOMS = {
    "asgi": ("Answer", "AsgiClient"),
    "clock": ("VirtualClock",),
    "contracts": ("assert_compatible",),
    "doubles": ("endpoints_of", "stub_of"),
    "faults": ("Fault", "FaultSwitch", "SocketProxy"),
    "load": ("LoadRequest", "Sample", "Samples", "SteadyLoad"),
    "loop": ("run_virtual", "Stalled", "virtual_clock", "virtual_time", "VirtualLoop"),
    "rest": ("HttpClient", "RestClient"),
    "runners": ("App", "Runner"),
    "wallclock": ("ShiftedClocks",),
}
_HOME = {name: module for module, names in _ROOMS.items() for name in names}

__all__ = [
    "Answer",
    "App",
    "AsgiClient",
    "assert_compatible",
    "endpoints_of",
    "Fault",
    "FaultSwitch",
    "HttpClient",
    "LoadRequest",
    "RestClient",
    "run_virtual",
    "Runner",
    "Sample",
    "Samples",
    "ShiftedClocks",
    "SocketProxy",
    "Stalled",
    "SteadyLoad",
    "stub_of",
    "virtual_clock",
    "virtual_time",
    "VirtualClock",
    "VirtualLoop",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
