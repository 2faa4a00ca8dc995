"""Schema files: the SQL that makes a service's tables, in numbered steps that are never edited once applied.

    wallet/schema/0001_init.sql
                  0002_add_currency.sql        a change is a new file: expand first, contract in a later release

Each adapter applies the files in order at start, each in a transaction of its own, records them with their SHA-256 and
verifies the record at every start.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from .errors import SchemaError

_NAME = re.compile(r"(?P<number>\d{4})_[a-z0-9_]+\.sql")


class SchemaFile(msgspec.Struct, frozen=True):
    """One step of a schema."""

    name: str
    """`0001_init.sql`: four digits, counted from 0001 without gaps, and lower-case words."""
    sql: str
    folder: str = ""
    """Where it lies, for messages; empty when it was made in memory."""

    @property
    def number(self) -> int:
        """Its place in the order, from 1."""
        return int(self.name[:4])

    @property
    def sha256(self) -> str:
        """Hex digest of the text; line ends do not count, because version control may rewrite them."""
        return hashlib.sha256(self.sql.replace("\r\n", "\n").encode()).hexdigest()

    @property
    def where(self) -> str:
        """Path for messages."""
        return str(Path(self.folder, self.name)) if self.folder else self.name

    def line(self, position: int) -> str:
        """`path:line` of a position in the text."""
        return f"{self.where}:{self.sql.count(chr(10), 0, position) + 1}"


def load_schema(directory: Path) -> tuple[SchemaFile, ...]:
    """Read all `*.sql` files of a directory, in order. A directory that does not exist means no schema.

    Raises: SchemaError: a file that cannot be read or is misnamed, two with one number, or a gap in the numbers.
    """
    files: list[SchemaFile] = []
    for path in sorted(directory.glob("*.sql")):
        try:
            files.append(SchemaFile(path.name, path.read_text(encoding="utf-8"), str(directory)))
        except (OSError, UnicodeDecodeError) as error:
            raise SchemaError(
                f"cannot be read: {error}", where=str(path), fix="make it a readable UTF-8 file"
            ) from error
    check_order(files)
    return tuple(files)


def check_order(files: Sequence[SchemaFile]) -> None:
    """Check names and numbers. Raises SchemaError that names the first file at fault."""
    for expected, file in enumerate(files, 1):
        if not _NAME.fullmatch(file.name):
            raise SchemaError(
                "not a name for a schema file", where=file.where, fix="call it for example 0002_add_currency.sql"
            )
        if expected > 1 and file.number == files[expected - 2].number:
            raise SchemaError(
                f"has the same number as {files[expected - 2].name}", where=file.where, fix="renumber the newer"
            )
        if file.number != expected:
            raise SchemaError(
                f"its number is {file.number:04}, but {expected:04} comes next",
                where=file.where,
                fix=f"renumber it, or restore the missing {expected:04}_….sql",
            )
