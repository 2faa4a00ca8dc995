"""Runners: the same application, the same test, three ways to run it.

    inprocess    all services in the test's own event loop         stub ── codec ── chain ── service
    codec        every service behind a wire server of its own,    stub ── codec ── frames in memory ── chain ── service
                 joined by pipes in memory
    processes    every service an operating system process,        stub ── codec ── Unix socket ── chain ── service
                 started as `calve run --unit` starts it

A difference between them is a fault of Calve, or a test that looks at what no caller can see.
"""

from .base import App, Runner
from .codec import CodecRunner
from .inprocess import InProcessRunner
from .processes import ProcessesRunner

__all__ = ["App", "CodecRunner", "InProcessRunner", "ProcessesRunner", "Runner", "runner"]

_RUNNERS: dict[str, type[Runner]] = {cls.name: cls for cls in (InProcessRunner, CodecRunner, ProcessesRunner)}


def runner(name: str) -> Runner:
    """The runner of that name. Raises KeyError: there is none."""
    return _RUNNERS[name]()
