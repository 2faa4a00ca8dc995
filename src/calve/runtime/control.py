r"""What commands say to the supervisor and what it answers: lines of JSON over a Unix socket of its user alone.

    {"calve": 1, "do": "status"}\n                                     ->  {"status": {…}}\n
    {"calve": 1, "do": "rollout", "units": ["money"], "environ": {}}\n  ->  {"say": "money: …"}\n …  {"done": true}\n
    {"calve": 1, "do": "scale", "units": ["front"], "replicas": 3}\n    ->  the same
    {"calve": 1, "do": "watch"}\n                                      ->  the same, for the job that runs or ran last

Instead of `done` an answer may end with `{"error": "…", "exit_code": 1}`. Whoever hangs up before the end stops
watching and nothing else. A request of another version is refused with both versions in the text.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

from ..core.errors import CalveError, ConfigError
from .endpoints import read_supervisor

VERSION = 1
REQUEST_BYTES_MAX = 1 << 18
REQUEST_SECONDS = 10.0
"""How long a client may take to say what it wants."""


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a command wants."""

    do: Literal["status", "rollout", "scale", "watch"]
    calve: int = 0
    """Version of this protocol; always sent."""
    units: tuple[str, ...] = ()
    replicas: int = 0
    environ: dict[str, str] = {}


class ReplicaStatus(msgspec.Struct, frozen=True):
    """One replica, as `calve ps` shows it."""

    name: str
    unit: str
    pid: int | None
    state: str
    seconds: float
    """In this state."""
    restarts: int
    http: str | None
    services: tuple[str, ...]


class Status(msgspec.Struct, frozen=True):
    """Everything about a run."""

    app: str
    topology: str
    pid: int
    job: str | None
    """What is being done to it."""
    replicas: tuple[ReplicaStatus, ...]


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of an answer."""

    say: str | None = None
    status: Status | None = None
    done: bool = False
    error: str | None = None
    exit_code: int = 1


Handler = Callable[[Request], AsyncIterator[Answer]]
"""Does what is asked; may raise CalveError."""


class ControlServer:
    """The supervisor's end.

    Args:
        path: Where it listens.
        handle: Answers requests.
    """

    def __init__(self, path: Path, handle: Handler) -> None:
        self._path, self._handle = path, handle
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.bind(str(self._path))
        self._path.chmod(0o600)
        self._server = await asyncio.start_unix_server(self._accept, sock=sock, limit=REQUEST_BYTES_MAX)

    async def close(self) -> None:
        """Hang up on everybody, once they have the last word of what they watch."""
        if self._server is not None:
            self._server.close()
        if self._talks:
            await asyncio.wait(self._talks, timeout=1.0)
        for talk in self._talks:
            talk.cancel()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._talk(reader, writer))
        self._talks.add(task)
        task.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            try:
                async with asyncio.timeout(REQUEST_SECONDS):
                    line = await reader.readline()
            except (TimeoutError, ValueError):  # ValueError: too long
                return
            async for answer in self._answers(line):
                writer.write(msgspec.json.encode(answer) + b"\n")
                await writer.drain()

    async def _answers(self, line: bytes) -> AsyncIterator[Answer]:
        try:
            async for answer in self._handle(_decode(line)):
                yield answer
        except CalveError as error:
            yield Answer(error=str(error), exit_code=error.exit_code)


def _decode(line: bytes) -> Request:
    try:
        request = msgspec.json.decode(line, type=Request)
    except msgspec.DecodeError as error:
        raise ConfigError(f"the supervisor does not understand the request: {error}") from error
    if request.calve != VERSION:
        what = f"the command speaks version {request.calve} of the control protocol, the supervisor version {VERSION}"
        raise ConfigError(what, fix="run both with the same version of Calve")
    return request


def ask(root: Path, request: Request) -> Iterator[Answer]:
    """A command's end: send a request to the supervisor of a project and give its answers as they come.

    Raises:
        ConfigError: nobody supervises the project, or it refuses.
        CalveError: it failed, or its answer broke off.
    """
    found = read_supervisor(root)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with sock:
        try:
            if found is None:
                raise FileNotFoundError
            sock.connect(found.control)
        except OSError as error:
            raise ConfigError("no supervisor runs this project", where=str(root), fix="start it: calve run") from error
        sock.sendall(msgspec.json.encode(msgspec.structs.replace(request, calve=VERSION)) + b"\n")
        try:
            with sock.makefile("rb") as lines:
                for line in lines:
                    answer = msgspec.json.decode(line, type=Answer)
                    if answer.error is not None:
                        raise _failure(answer)
                    yield answer
                    if answer.done or answer.status is not None:
                        return
        except (OSError, msgspec.DecodeError) as error:
            raise CalveError(f"the connection to the supervisor was lost ({error}); {_GOES_ON}") from error
    raise CalveError(f"the supervisor hung up; {_GOES_ON}")


_GOES_ON = "what was begun goes on: calve rollout --watch"


def _failure(answer: Answer) -> CalveError:
    return ConfigError(answer.error or "") if answer.exit_code == ConfigError.exit_code else CalveError(answer.error)
