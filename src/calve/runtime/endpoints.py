"""Where the units of a supervised run find each other: a private folder with their sockets and `endpoints.json`.

    /tmp/calve-k2x9w1/           mode 0700, short because a socket path may have 107 bytes at most
        endpoints.json           {"services": {"wallet": ["unix:/tmp/calve-k2x9w1/money.sock"]}}
        front.sock  money.sock

A copy of the file is at `.calve/endpoints.json` beside calve.toml while the run lasts, where `calve call` finds it.

The file is what `[discovery] file` names when a unit runs on its own, so units read one format, whoever wrote it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ..core.errors import ConfigError
from .plan import Plan

SOCKET_PATH_BYTES_MAX = 103
"""The smallest limit of the systems we run on (macOS: 104 with the closing zero; Linux: 108)."""


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A new folder that only this user can enter; removed with everything in it at the end.

    Raises: ConfigError: no temporary folder can be made.
    """
    try:
        folder = tempfile.TemporaryDirectory(prefix="calve-", ignore_cleanup_errors=True)
    except OSError as error:
        what = f"no folder for the units' sockets: {error}"
        raise ConfigError(what, where="TMPDIR", fix="set TMPDIR to a folder that can be written") from error
    with folder as path:
        yield Path(path)


def socket_path(folder: Path, process: str) -> Path:
    """Where a process listens.

    Raises: ConfigError: the path is too long for a socket.
    """
    path = folder / f"{process}.sock"
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX:
        what = f"{path} is too long for a socket (at most {SOCKET_PATH_BYTES_MAX} bytes)"
        raise ConfigError(what, where="TMPDIR", fix="set TMPDIR to a shorter folder, such as /tmp")
    return path


def write_plan(folder: Path, plan: Plan) -> Path:
    """Write `endpoints.json` for a plan. Returns: its path."""
    addresses = {
        service: [f"unix:{socket_path(folder, process)}" for process in processes]
        for service, processes in plan.hosts().items()
    }
    path = folder / "endpoints.json"
    write_endpoints(path, addresses)
    return path


def write_endpoints(path: Path, services: Mapping[str, Sequence[str]]) -> None:
    """Replace a discovery file in one step: a reader sees the old or the new one, never a part."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(msgspec.json.format(msgspec.json.encode({"services": services}), indent=2) + b"\n")
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


@contextlib.contextmanager
def published(root: Path, endpoints: Path) -> Iterator[None]:
    """Keep a copy of `endpoints` at `published_path` for the time of the block.

    A project in a folder that cannot be written runs all the same; commands then need the file's name.
    """
    path = published_path(root)
    try:
        path.parent.mkdir(exist_ok=True)
        write_endpoints(path, read_endpoints(endpoints))
    except OSError:
        yield
        return
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
