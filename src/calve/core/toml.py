"""A TOML file whose values remember where they stand.

`tomllib` drops positions, but an error that says `calve.toml:12` is found at once; so the lines are searched again, by
table header and key, when (and only when) something has to be reported.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from .errors import ConfigError

_HEADER = re.compile(r"\s*\[(?P<name>[^\[\]]+)\]\s*(?:#.*)?")
_ITEM = re.compile(r"\s*\[\[\s*(?P<name>[^\[\]\s]+)\s*\]\]\s*(?:#.*)?")
_KEY = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([A-Za-z0-9_-]+))\s*[=.]""")
_DECORATION = str.maketrans("", "", " \"'")
_POSITION = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


class TomlFile:
    """One parsed file.

    Attributes:
        path: Absolute path.
        data: What tomllib made of it.
    """

    def __init__(self, path: Path, text: str) -> None:
        self.path, self._lines = path, text.splitlines()
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            match = _POSITION.search(str(error))
            line = match["line"] if match and match["line"] else len(self._lines)
            what = _POSITION.sub("", str(error))
            raise ConfigError(f"not TOML: {what}", where=f"{self.shown}:{line}") from error

    @classmethod
    def read(cls, path: Path) -> TomlFile:
        """Read and parse a file.

        Raises: ConfigError: it cannot be read, is not UTF-8 or not TOML; names the line.
        """
        path = path.absolute()
        try:
            return cls(path, path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"cannot be read: {error.strerror}", where=shown_path(path)) from error
        except UnicodeDecodeError as error:
            raise ConfigError(
                f"not UTF-8 (byte {error.start})", where=shown_path(path), fix="save it as UTF-8"
            ) from error

    @property
    def shown(self) -> str:
        """The path as a reader would type it."""
        return shown_path(self.path)

    def table(self, name: str) -> dict[str, Any]:
        """The table of a dotted name such as `service.wallet`; empty when it is not there.

        Raises: ConfigError: something by that name is not a table.
        """
        found = self.data
        for depth, part in enumerate(parts := name.split("."), 1):
            found = found.get(part, {})
            if not isinstance(found, dict):
                at = ".".join(parts[:depth])
                raise ConfigError(
                    f"{at} is not a table", where=self.where(*_split(at)), fix=f"write [{at}] and its keys below"
                )
        return found

    def where(self, section: str, key: str | None = None) -> str:
        """`calve.toml:12` for a key of a section (or the section's header); without the line when it cannot be told."""
        line = self._line(section, key)
        return f"{self.shown}:{line}" if line else self.shown

    def where_item(self, name: str, index: int) -> str:
        """`calve.toml:12` for the header of the nth `[[name]]`, counted from 0."""
        lines = [n for n, text in enumerate(self._lines, 1) if (m := _ITEM.fullmatch(text)) and m["name"] == name]
        return f"{self.shown}:{lines[index]}" if index < len(lines) else self.shown

    def _line(self, section: str, key: str | None) -> int | None:
        current, header = "", None
        for number, text in enumerate(self._lines, 1):
            if match := _HEADER.fullmatch(text):
                current = match["name"].translate(_DECORATION)
                header = number if header is None and current == section else header
            elif current == section and (match := _KEY.match(text)) and key == match[match.lastindex or 0]:
                return number
        return header


def _split(name: str) -> tuple[str, str]:
    section, _, key = name.rpartition(".")
    return section, key


def shown_path(path: Path) -> str:
    """Relative to the current directory when inside it, else absolute."""
    try:
        relative = os.path.relpath(path)
    except (OSError, ValueError):  # the current directory may be gone
        return str(path)
    return str(path) if relative.startswith("..") else relative
