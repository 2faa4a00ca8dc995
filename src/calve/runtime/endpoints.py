"""Where the units of a supervised run find each other: a private folder with their sockets and `endpoints.json`.

    /tmp/calve-k2x9w1/           mode 0700, short because a socket path may have 107 bytes at most
        endpoints.json           {"services": {"wallet": ["unix:/tmp/calve-k2x9w1/money.sock"]}}
        front.sock  money.sock
        control                  where `calve rollout` and the like speak to the supervisor
        lock                     held by the supervisor; whoever can take it has found what a killed one left behind

Beside calve.toml, for as long as the run lasts, `calve call` finds a copy of the first file at `.calve/endpoints.json`,
and other commands find the supervisor by `.calve/supervisor.json`.

The file is what `[discovery] file` names when a unit runs on its own, so units read one format, whoever wrote it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ..core.errors import ConfigError
from .sockets import check_path

FOLDER_PREFIX = "calve-"


class SupervisorFile(msgspec.Struct, frozen=True):
    """`.calve/supervisor.json`."""

    pid: int
    topology: str
    control: str
    """Path of the socket it listens at."""


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A new folder that only this user can enter; removed with everything in it at the end.

    Those of supervisors that were killed are removed first.

    Raises: ConfigError: no temporary folder can be made.
    """
    try:
        remove_stale(Path(tempfile.gettempdir()))
        folder = tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX, ignore_cleanup_errors=True)
    except OSError as error:
        what = f"no folder for the units' sockets: {error}"
        raise ConfigError(what, where="TMPDIR", fix="set TMPDIR to a folder that can be written") from error
    with folder as path, _locked(Path(path)):
        yield Path(path)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with open(folder / ".lock", "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        (folder / ".lock").rename(folder / "lock")  # never there without being held by somebody who lives
        yield


def remove_stale(parent: Path) -> list[Path]:
    """Remove the folders whose supervisor is gone. Returns: which."""
    removed = []
    for lock in parent.glob(f"{FOLDER_PREFIX}*/lock"):
        with contextlib.suppress(OSError), lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)
            removed.append(lock.parent)
    return removed


def socket_path(folder: Path, process: str) -> Path:
    """Where a process listens.

    Raises: ConfigError: the path is too long for a socket.
    """
    path = folder / f"{process}.sock"
    check_path(path)
    return path


def write_endpoints(path: Path, services: Mapping[str, Sequence[str]]) -> None:
    """Replace a discovery file in one step: a reader sees the old or the new one, never a part."""
    _replace(path, {"services": services})


def _replace(path: Path, content: object) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")
    new.replace(path)


def read_endpoints(path: Path) -> dict[str, list[str]]:
    """Read a discovery file once. Returns: addresses by service.

    Raises: ConfigError: it cannot be read, or is none.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, list[str]]])["services"]
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (msgspec.DecodeError, KeyError) as error:
        fix = 'write for example {"services": {"wallet": ["tcp://money:7000"]}}'
        raise ConfigError("is no discovery file", where=str(path), fix=fix) from error


def published_path(root: Path) -> Path:
    """Where the addresses of a project's running units are kept for commands; there only while it runs."""
    return root / ".calve" / "endpoints.json"


def supervisor_path(root: Path) -> Path:
    """Where commands find a project's running supervisor; there only while it runs."""
    return root / ".calve" / "supervisor.json"


def read_supervisor(root: Path) -> SupervisorFile | None:
    """Who supervises the units of a project; None when nobody does, as far as is known."""
    try:
        return msgspec.json.decode(supervisor_path(root).read_bytes(), type=SupervisorFile)
    except (OSError, msgspec.DecodeError):
        return None


class Published:
    """Keeps the discovery file of a run up to date, and its copy for commands.

    A project in a folder that cannot be written runs all the same; commands then need the file's name.

    Args:
        folder: The private one.
        root: The project's.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        self.path = folder / "endpoints.json"
        """What the units watch."""
        self._root = root

    def announce(self, supervisor: SupervisorFile) -> None:
        """Let commands find the supervisor."""
        with contextlib.suppress(OSError):
            supervisor_path(self._root).parent.mkdir(exist_ok=True)
            _replace(supervisor_path(self._root), supervisor)

    def update(self, services: Mapping[str, Sequence[str]]) -> None:
        """Say where services are from now on."""
        write_endpoints(self.path, services)
        with contextlib.suppress(OSError):
            published_path(self._root).parent.mkdir(exist_ok=True)
            write_endpoints(published_path(self._root), services)

    def close(self) -> None:
        """Take the copies back."""
        for path in (published_path(self._root), supervisor_path(self._root)):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
