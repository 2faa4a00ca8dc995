"""Injection by type: settings, secrets, clock and log come through the constructor.

    $ CALVE_SECRETS_DIR=secrets calve run &
    $ calve call post.send text=Hello

`signature` comes from calve.toml, `api_key` from a file in the folder of secrets. Take either away and `calve run`
says, before anything starts, what is missing and every place where it may be set. The key is never shown: not in the
log, not in an error, not by print.
"""

from __future__ import annotations

import hmac
from typing import Protocol

from calve import Clock, Contract, Logger, Message, Secret, Settings, command


class Receipt(Message):
    """What was sent."""

    text: str
    proof: str
    year: int


class PostSettings(Settings):
    """The section [service.post]; any of it may come from the environment, such as CALVE_SERVICE_POST_SIGNATURE."""

    signature: str = "nobody"
    api_key: Secret


class Post(Contract, Protocol, version="1.0"):
    """Sends messages."""

    @command(http="POST /messages")
    async def send(self, text: str) -> Receipt:
        """Sign and send."""
        ...


class PostService(Post):
    """Asks for what it needs; nothing is looked up by name, nothing is global."""

    def __init__(self, settings: PostSettings, clock: Clock, log: Logger) -> None:
        self._settings, self._clock, self._log = settings, clock, log

    async def send(self, text: str) -> Receipt:
        signed = f"{text} -- {self._settings.signature}"
        self._log.info("sending", settings=repr(self._settings))
        proof = hmac.digest(self._settings.api_key.reveal().encode(), signed.encode(), "sha256").hex()[:8]
        return Receipt(text=signed, proof=proof, year=self._clock.now().year)
