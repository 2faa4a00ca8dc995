"""The runner `codec`: every call between services through the native wire, in one process."""

from __future__ import annotations

from pathlib import Path

import pytest
from divergence_relay import Relay

from calve.testing.fakes.wire import MemoryNetwork, MemoryPipe
from calve.testing.runners import CodecRunner

DIVERGENCE = Path(__file__).parent.parent / "divergence"


async def test_calls_are_bytes_on_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    pipes: list[MemoryPipe] = []
    network = MemoryNetwork.__init__

    def keep(self: MemoryNetwork) -> None:
        network(self)
        self.pipes = pipes

    monkeypatch.setattr(MemoryNetwork, "__init__", keep)
    services = ["divergence_relay", "divergence_echo"]
    async with CodecRunner().start(DIVERGENCE, services=services) as app:
        assert pipes == []
        await app.get(Relay).who()
        assert len(pipes) == 2, "from the test to the relay, and from there to the echo"
        assert all(pipe.client.sent > 50 and pipe.server.sent > 10 for pipe in pipes)
