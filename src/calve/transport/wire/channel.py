"""The way to one address: at most one connection that takes calls, and when to try for the next one.

    IDLE --want--> (pause) CONNECTING --hello--> READY --goaway or lost--> IDLE
                               └── failure --> IDLE, the next pause is longer
    READY --silent--> READY, and CONNECTING beside it --hello--> READY with the new one

A connection whose other end vanished without a word looks like one to a server that is stopped. A second one tells them
apart: whichever is heard first gets the calls. Where there are other addresses, queries that wait are let go, so that
they can be put to one of those.

Nobody's call is tied to an attempt: calls wait in the client and take whatever channel becomes ready first.
Connections that are going away finish their calls beside the new one.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable
from contextvars import Context

from ...core.clock import Clock
from ...core.deadline import TimerWheel
from ...core.errors import ConfigError
from .address import Address
from .base import WireOptions
from .client_link import ClientLink
from .dialling import Dialler
from .errors import VersionMismatch
from .fitness import Fitness
from .link import log

DOUBLINGS_MAX = 30
"""Enough for any pause, and far from where floats end."""


class Channel:
    """One address.

    Args:
        address: Where to connect to.
        dialler: How.
        options: Bounds and patience.
        software: Name and version told to the server.
        wheel, clock: For the deadlines of calls.
        on_change: Called when the channel became ready, stopped being ready, or failed to connect.
        late: Whether it is new beside others that are known already.
    """

    def __init__(
        self,
        address: Address,
        *,
        dialler: Dialler,
        options: WireOptions,
        software: str,
        wheel: TimerWheel,
        clock: Clock,
        on_change: Callable[[], None],
        late: bool = False,
    ) -> None:
        self.address = address
        self.fitness = Fitness(options)
        self.alone = True
        """Whether there is no other address for its calls."""
        self.link: ClientLink | None = None
        """The connection that takes calls."""
        self.reason = ""
        """Why there is none, after an attempt."""
        self._dialler, self._options, self._software = dialler, options, software
        self._wheel, self._clock, self._on_change = wheel, clock, on_change
        self._links: set[ClientLink] = set()
        self._attempt: asyncio.Task[None] | None = None
        self._failures = 0
        self._not_before = 0.0
        self._hopeless = False
        self._closed = False
        self._anew, self._since = late, 0.0

    @property
    def coming(self) -> bool:
        """Whether it may be back in a moment: it went away in peace, or was never tried."""
        return self.link is None and not self._failures and not self._closed

    @property
    def connected(self) -> bool:
        """Whether there is any connection, taking calls or only finishing some."""
        return bool(self._links)

    @property
    def hopeless(self) -> bool:
        """Whether the last attempt failed for a reason that waiting does not mend; until the next one is due."""
        return self._hopeless and asyncio.get_running_loop().time() < self._not_before

    def want(self) -> None:
        """Somebody waits for this channel: connect, after the pause that is due. Does nothing if that is under way."""
        if self.link is None:
            self._try()

    def _try(self) -> None:
        if self._attempt is None and not self._closed:
            # Not in the context of the call that happens to be the first: the connection outlives it and serves others.
            self._attempt = asyncio.get_running_loop().create_task(self._connect(), context=Context())

    def retire(self) -> None:
        """Take no more calls, for good; the connections end with their last one."""
        self._give_up()
        for link in list(self._links):
            link.retire()

    def hang_up(self, reason: str) -> None:
        """Take no more calls, for good; calls in flight are lost."""
        self._give_up()
        for link in list(self._links):
            link.hang_up(reason)

    async def ended(self) -> None:
        """Wait until nothing is left after `hang_up`."""
        if self._attempt is not None:
            await asyncio.gather(self._attempt, return_exceptions=True)
        await asyncio.gather(*(asyncio.shield(link.closed) for link in self._links))

    def _give_up(self) -> None:
        self._closed = True
        if self._attempt is not None:
            self._attempt.cancel()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        greeted: asyncio.Future[None] = loop.create_future()
        link = self._new_link(loop, greeted)
        patience = self._options.connect_seconds
        try:
            await asyncio.sleep(self._not_before - loop.time())
            if self.link is not None:  # silent: nothing is lost if this one comes to nothing, and the next is due soon
                patience = min(patience, 0.9 * self._options.suspect_seconds)
            async with asyncio.timeout(patience):
                await self._dialler.dial(self.address, lambda: link)
                # Only from here on the link is sure to see its own end.
                self._links.add(link)
                link.closed.add_done_callback(lambda _: self._links.discard(link))
                await greeted
        except TimeoutError:
            if self.link is None:
                self._failed(f"no connection within {patience} s", hopeless=False, waited=patience)
        except ConfigError as error:
            self._failed(str(error), hopeless=True)
        except OSError as error:
            self._failed(_reason(error), hopeless=isinstance(error, ssl.SSLCertVerificationError))
        except Exception as error:  # noqa: BLE001  (whatever it is: callers wait, and an attempt without a pause would follow)
            log.exception("connecting to %s failed with what it may not fail with", self.address)
            self._failed(f"{type(error).__name__}: {error}", hopeless=True)
        finally:
            self._attempt = None
            if link.connection.peer is None:
                link.abort("the connection attempt was given up")
            self._on_change()

    def _new_link(self, loop: asyncio.AbstractEventLoop, greeted: asyncio.Future[None]) -> ClientLink:
        def ready(link: ClientLink) -> None:
            if not greeted.done():
                silent, self.link, self.reason, self._hopeless = self.link, link, "", False
                self._begin(link)
                if silent is not None:
                    silent.retire()
                greeted.set_result(None)

        def unready(link: ClientLink) -> None:
            if not greeted.done():
                failure = link.connection.failure
                self._failed(str(failure or link.reason), hopeless=isinstance(failure, VersionMismatch))
                greeted.set_result(None)
            elif self.link is link:
                self.link = None
                lasted = loop.time() - self._since > self._options.backoff_first_seconds
                if lasted:  # otherwise it was one more attempt in vain, and the pauses go on growing
                    self._failures = 0
                if lasted and link.going:
                    self.reason = link.reason  # in peace: whoever comes after it may be there already
                else:
                    self.fitness.failed(loop.time())
                    self._failed(link.reason, hopeless=False)
                self._on_change()

        return ClientLink(
            self._options,
            loop,
            software=self._software,
            on_ready=ready,
            on_unready=unready,
            on_writable=self._on_change,
            on_silent=self._silent,
            fitness=self.fitness,
            wheel=self._wheel,
            clock=self._clock,
        )

    def _silent(self, link: ClientLink) -> None:
        """Its server gives no sign of life: see the module."""
        if self.link is link:
            self._try()
        if not self.alone:
            link.let_go(f"{self.address} gives no sign of life")

    def _begin(self, link: ClientLink) -> None:
        now = self._since = link.loop.time()
        self.fitness.heard(now)
        if self._anew:
            self.fitness.ramp(now)
        self._anew = True

    def _failed(self, reason: str, *, hopeless: bool, waited: float = 0.0) -> None:
        """Note why, and draw the pause before the next attempt: at random, so that clients do not come back at once.

        What the attempt itself `waited` is part of the pause.
        """
        self.reason, self._hopeless = reason, hopeless
        doublings = min(self._failures, DOUBLINGS_MAX)
        ceiling = min(self._options.backoff_first_seconds * 2**doublings, self._options.backoff_max_seconds)
        self._failures += 1
        self._not_before = asyncio.get_running_loop().time() + ceiling * random.uniform(0.5, 1.0) - waited


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
