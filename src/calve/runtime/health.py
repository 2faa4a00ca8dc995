"""Health of a unit: what an orchestrator or load balancer asks.

    starting ──> ready ──> draining ──> stopped        any state may go straight to a later one
       └───────<──────────────┘                        a unit that made way for another may be asked to serve again

    path              200 when                                503 otherwise means
    /health/live      the process can answer at all           restart it
    /health/startup   it is past starting                     give it more time
    /health/ready     it is ready and every check passes      send it no requests

Checks are about what this unit owns: its stores, its listeners, the applications it adopted. Another unit being down is
no reason to be unready: if it were, one broken unit would take every unit that calls it out of service, and those that
call them, when most of their operations still work. Calls to the broken unit fail with `Unavailable` instead.

For the same reason a check may be *optional*: when it fails, the unit is ready but degraded, which /health/ready says
with a 200. An adopted application that does not start is one: taking its unit out of service would take every other
service of the unit along. Where nothing else is left in the unit, its check is not optional.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, NamedTuple

import msgspec

from ..core.errors import CalveError

State = Literal["starting", "ready", "draining", "stopped"]
Check = Callable[[], Awaitable[None]]

_ORDER: tuple[State, ...] = ("starting", "ready", "draining", "stopped")
CHECK_TIMEOUT_SECONDS = 2.0
PATHS = ("/health/live", "/health/ready", "/health/startup")


class HealthAnswer(NamedTuple):
    """What to send: `{"state": "ready", "checks": {"store.wallet": "ok"}}`."""

    status: int
    body: bytes
    """JSON."""


class CheckFailed(CalveError):
    """A check's own words, which are shown to whoever asks; of other errors only the kind is."""


class Health:
    """State and checks of one unit. Belongs to one event loop."""

    def __init__(self) -> None:
        self._state: State = "starting"
        self._detail = ""
        self._checks: dict[str, Check] = {}
        self._optional: set[str] = set()
        self._listeners: list[Callable[[State, str], None]] = []

    @property
    def state(self) -> State:
        """Where in its life the unit is."""
        return self._state

    @property
    def detail(self) -> str:
        """What it is doing there, such as `opening the store of wallet`; may be ''."""
        return self._detail

    def check(self, name: str, check: Check, *, optional: bool = False) -> None:
        """Add a condition for being ready.

        Args:
            name: Unique, such as `store.wallet`.
            check: Raises when it fails. It is given two seconds.
            optional: Without it the unit is degraded, but still ready.
        Raises: ValueError: the name is taken.
        """
        if name in self._checks:
            raise ValueError(f"there is a check {name!r} already")
        self._checks[name] = check
        if optional:
            self._optional.add(name)

    def uncheck(self, name: str) -> None:
        """Take a condition back; no-op when there is none of that name."""
        self._checks.pop(name, None)
        self._optional.discard(name)

    def watch(self, listener: Callable[[State, str], None]) -> None:
        """Call `listener(state, detail)` at every change from now on."""
        self._listeners.append(listener)

    def progress(self, detail: str) -> None:
        """Say what is going on within the current state."""
        self._detail = detail
        self._tell()

    def become(self, state: State) -> None:
        """Go on to a later state, or from draining to starting again; the same one is a no-op.

        Raises: ValueError: back to an earlier state.
        """
        again = (self._state, state) == ("draining", "starting")
        if _ORDER.index(state) < _ORDER.index(self._state) and not again:
            raise ValueError(f"a unit cannot go from {self._state} back to {state}")
        if state != self._state:
            self._state, self._detail = state, ""
            self._tell()

    async def answer(self, path: str) -> HealthAnswer:
        """Answer one of `PATHS`. Raises KeyError: another path."""
        if path == "/health/live":
            return self._answer(True)
        if path == "/health/startup":
            return self._answer(self._state != "starting")
        if path != "/health/ready":
            raise KeyError(path)
        results = await self.run_checks()
        failed = [name for name, result in results.items() if result != "ok"]
        return self._answer(self._state == "ready" and set(failed) <= self._optional, results, failed)

    async def run_checks(self) -> dict[str, str]:
        """Every check by name: `ok`, `timeout`, what a CheckFailed says, or the kind of another error."""
        results = await asyncio.gather(*(_run(check) for check in self._checks.values()))
        return dict(zip(self._checks, results, strict=True))

    def _answer(self, good: bool, checks: dict[str, str] | None = None, degraded: Sequence[str] = ()) -> HealthAnswer:
        body: dict[str, object] = {"state": self._state}
        if self._detail:
            body["detail"] = self._detail
        if checks is not None:
            body["checks"] = checks
        if good and degraded:
            body["degraded"] = degraded
        return HealthAnswer(200 if good else 503, msgspec.json.encode(body))

    def _tell(self) -> None:
        for listener in self._listeners:
            listener(self._state, self._detail)


async def _run(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            await check()
    except TimeoutError:
        return "timeout"
    except CheckFailed as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  (whatever it is, it means: not ready)
        return type(error).__name__
    return "ok"
