"""From the import of an application to its end: what can fail, what is told, and what goes on all the same."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, NoReturn

import pytest

from calve.core.context import current_call
from calve.core.errors import ConfigError
from calve.core.unit import current_unit
from calve.testing import AsgiClient, virtual_clock, virtual_time
from calve.testing.fakes.observe import CapturedLogs
from calve.transport.adopt import app as adopt_app

from .conftest import Adopter, answer


class Legacy:
    """An application with a lifespan that does what it is told."""

    def __init__(self, *startups: Any) -> None:
        self.startups = list(startups) or [None]
        self.seen: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await answer(send, str(scope.get("state")).encode())
            return
        assert (await receive())["type"] == "lifespan.startup"
        self.seen.append(f"startup in {'unit' if current_unit() else 'nothing'}, call {current_call()}")
        what = self.startups.pop(0)
        if what is not None:
            what()
        scope["state"]["pool"] = 7
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        self.seen.append("shutdown")
        await send({"type": "lifespan.shutdown.complete"})


async def test_it_lives_through_its_lifespan(adopter: Adopter) -> None:
    legacy = Legacy()
    client = await adopter.up(legacy)
    assert (await client.request("GET", "/")).body == b"{'pool': 7}"
    await adopter.apps[0].stop()
    await adopter.apps[0].stop()
    assert legacy.seen == ["startup in unit, call None", "shutdown"]


def _raise_exit() -> NoReturn:
    sys.exit("no licence")


@pytest.mark.parametrize(
    ("load", "why"),
    [
        (lambda: int("x"), r"import failed: ValueError: invalid literal .* \(.*test_app.py:\d+\)"),
        (_raise_exit, r"import failed: it called sys.exit\('no licence'\)"),
        (lambda: 5, "import failed: it is int, which cannot be called"),
    ],
)
async def test_an_import_that_fails_leaves_a_service_that_says_why(adopter: Adopter, load: Any, why: str) -> None:
    app = adopter.make(load)
    with CapturedLogs() as logs:
        await app.start()
    assert app.state == "failed"
    assert logs.line("adopted application does not serve").fields["reason"] == app.failure
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(app.failure)
    refused = await AsgiClient(app).request("GET", "/x")
    assert (refused.status, refused.json()["code"]) == (503, "unavailable")
    assert refused.json()["may_have_run"] is False
    assert refused.headers["retry-after"] == "1"
    assert "invalid literal" not in refused.body.decode()
    assert await app.guest() is None


async def test_what_is_not_there_is_a_fault_of_the_configuration(adopter: Adopter) -> None:
    def load() -> NoReturn:
        raise ConfigError("module legacy has no 'ap'")

    with pytest.raises(ConfigError, match="has no 'ap'"):
        await adopter.make(load).start()


@virtual_time
async def test_a_startup_that_fails_is_tried_again_until_it_succeeds() -> None:
    clock = virtual_clock()
    adopter = Adopter()
    moments: list[float] = []

    def fail() -> None:
        moments.append(clock.monotonic())
        sys.exit(1)

    app = adopter.make(lambda: legacy, clock=clock)
    legacy = Legacy(fail, fail, fail, None)
    await app.start()
    assert app.failure == "startup failed: it called sys.exit(1)"
    assert (await AsgiClient(app).request("GET", "/")).status == 503
    await clock.sleep(60)
    assert moments == [0, 1, 3]
    assert (app.state, app.failure) == ("up", "")
    assert (await AsgiClient(app).request("GET", "/")).status == 200
    await app.stop()


@virtual_time
async def test_one_that_never_starts_is_stopped_without_waiting() -> None:
    clock = virtual_clock()
    app = Adopter().make(lambda: asyncio.Event().wait, clock=clock)

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    app = Adopter().make(lambda: silent, clock=clock, startup_seconds=5)
    await app.start()
    assert app.failure == "startup failed: its startup was not done after 5 s"
    before = clock.monotonic()
    await app.stop()
    assert clock.monotonic() == before


async def test_a_mounted_application_sees_its_root_path(adopter: Adopter) -> None:
    async def where(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await answer(send, f"{scope['root_path']} {scope['path']}".encode())
        else:
            raise ValueError("no lifespan")

    client = await adopter.up(where, mount="/old")
    assert (await client.request("GET", "/old/items")).body == b"/old /old/items"


async def test_tasks_it_left_are_named_and_cancelled(adopter: Adopter) -> None:
    ended = asyncio.Event()

    async def poll_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def leaky(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope["app_task"] = asyncio.create_task(poll_for_ever())
            await answer(send)
        else:
            raise ValueError("no lifespan")

    client = await adopter.up(leaky)
    await client.request("GET", "/")
    gauge = next(value for instrument, value in adopter.registry.read() if instrument.name == "calve.adopted.tasks")
    assert gauge == 1
    with CapturedLogs() as logs:
        await adopter.apps[0].stop()
    assert ended.is_set()
    line = logs.line("tasks were still running when the application stopped, and are cancelled")
    assert line.fields["count"] == 1
    assert "poll_for_ever" in line.fields["tasks"]
    assert "test_app.py:" in line.fields["tasks"]


def test_the_last_line_of_a_traceback_says_where() -> None:
    with pytest.raises(ValueError, match="invalid") as caught:
        int("x\n")
    assert adopt_app.last_line(caught.value).startswith("ValueError: invalid literal for int() with base 10: 'x\\n' (")
