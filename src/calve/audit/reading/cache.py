"""Facts kept by the hash of what they were taken from, so that a second audit reads only what changed.

    <folder>/facts     MessagePack: [version, {16 bytes of BLAKE2b of the file: encoded FileFacts}]

One file, read and written whole: a thousand entries are a few megabytes. It holds what the last audit of the project
saw and nothing older. One that is damaged, or of another version, is as good as none. The version is the hash of the
code that makes facts, so that nobody has to remember to raise it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec


def version() -> str:
    """The version of the code that makes facts: the hash of this folder's modules."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return content_key(b"\0".join(source.read_bytes() for source in sources)).hex()


def content_key(source: bytes, *, outline: bool = False) -> bytes:
    """The key of a file's facts, or of what is known of a file that is only counted."""
    return hashlib.blake2b(source, digest_size=16, person=b"outline" if outline else b"").digest()


def default_folder(root: str) -> Path:
    """Where the facts of a project are kept: `$XDG_CACHE_HOME/calve/audit/<hash of its path>`."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "calve" / "audit" / content_key(root.encode()).hex()


class FactsCache:
    """The facts of one project.

    Args: folder: Where they are kept; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / "facts"

    def load(self) -> dict[bytes, msgspec.Raw]:
        """What is known, encoded; empty when nothing is or it cannot be read."""
        if self._path is None:
            return {}
        try:
            kept, facts = msgspec.msgpack.decode(self._path.read_bytes(), type=tuple[str, dict[bytes, msgspec.Raw]])
            return facts if kept == version() else {}
        except (OSError, msgspec.DecodeError):
            return {}

    def save(self, facts: Mapping[bytes, msgspec.Raw]) -> None:
        """Keep these, and only these; a folder that cannot be written is no reason to fail."""
        if self._path is None:
            return
        new = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(msgspec.msgpack.encode((version(), facts)))
            new.replace(self._path)
