"""What ejecting a service gives: files in memory until everything is known to fit, or reasons why it cannot be done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..core.errors import ConfigError

LINE_LENGTH = 120


class Refusal(NamedTuple):
    """Something of the service that has no counterpart outside of Calve."""

    where: str
    """`shop/orders/service.py:12`."""
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.fix}"


class EjectRefused(ConfigError):
    """A service cannot be ejected as it is. `refusals` has every reason; the message the first."""

    def __init__(self, service: str, refusals: Sequence[Refusal]) -> None:
        first, more = refusals[0], len(refusals) - 1
        fix = f"{first.fix} (and {more} more)" if more else first.fix
        super().__init__(f"{service} cannot be ejected: {first.what}", where=first.where, fix=fix)
        self.refusals = tuple(refusals)


class Package(NamedTuple):
    """Names of the generated packages; those of the project come first."""

    app: str
    support: str


class Ejected(msgspec.Struct, frozen=True):
    """A project, complete, in memory."""

    service: str
    command: str
    """What starts it, in its folder."""
    files: dict[str, bytes]
    """Path relative to the project's folder -> content, in the order a reader would open them."""
    carried: list[str]
    """Which of them are the service's own modules, their imports of Calve rewritten."""
    notes: list[str]
    """What is different, or has to be done by hand."""


def write(ejected: Ejected, folder: Path, *, force: bool) -> list[Path]:
    """Write a project.

    Args:
        folder: Made when it is not there.
        force: Write into a folder that is not empty; files of other names stay.
    Returns: the files written.
    Raises: ConfigError: the folder is not empty, or cannot be written to.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f"{folder} is a file", fix="name another folder")
        if folder.exists() and any(folder.iterdir()) and not force:
            fix = "name another folder, or write into this one with --force"
            raise ConfigError(f"{folder} is not empty", fix=fix)
        written = []
        for name, content in ejected.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            written.append(path)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(error.filename)) from error
    return written
