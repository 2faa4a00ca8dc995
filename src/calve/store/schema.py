"""Schema files: the SQL that makes a service's tables, in numbered steps that are never edited once applied.

    wallet/schema/0001_init.sql
                  0002_add_currency.sql        a change is a new file: expand first, contract in a later release

Where the databases differ, a step has a file for each instead, and then needs one for every database it is used with:

    catalog/schema/0001_products.sql
                   0002_search.sqlite.sql
                   0002_search.postgres.sql      may hold nothing but a comment, if there is nothing to do

Each adapter applies the files in order at start, each in a transaction of its own, records them with their SHA-256 and
verifies the record at every start.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from .errors import SchemaError

Dialect = Literal["sqlite", "postgres"]
DIALECTS: tuple[Dialect, ...] = ("sqlite", "postgres")
_NAME = re.compile(r"(?P<step>\d{4}_[a-z0-9_]+)(\.(?P<dialect>[a-z0-9]+))?\.sql")


class SchemaFile(msgspec.Struct, frozen=True):
    """One step of a schema."""

    name: str
    """`0001_init.sql`: four digits, counted from 0001 without gaps, and lower-case words; `0001_init.postgres.sql`."""
    sql: str
    folder: str = ""
    """Where it lies, for messages; empty when it was made in memory."""

    @property
    def number(self) -> int:
        """Its place in the order, from 1."""
        return int(self.name[:4])

    @property
    def step(self) -> str:
        """Its name without the database: `0001_init.sql`. A step may get a file for each database later."""
        match = _NAME.fullmatch(self.name)
        return f"{match['step']}.sql" if match else self.name

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


def load_schema(directory: Path, dialect: Dialect = "sqlite") -> tuple[SchemaFile, ...]:
    """Read the `*.sql` files of a directory that are for one database, in order. No directory means no schema.

    Raises: SchemaError: a file that cannot be read or is misnamed, two with one number, a step that has no file for
        this database, or a gap in the numbers.
    """
    files: list[SchemaFile] = []
    others: list[Path] = []
    for path in sorted(directory.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        suffix = match["dialect"] if match else None
        if suffix is not None and suffix not in DIALECTS:
            fix = f"call it {match['step']}.sqlite.sql or .postgres.sql" if match else None
            raise SchemaError(f"{suffix!r} is no database", where=str(path), fix=fix)
        if suffix not in (None, dialect):
            others.append(path)
            continue
        try:
            files.append(SchemaFile(path.name, path.read_text(encoding="utf-8"), str(directory)))
        except (OSError, UnicodeDecodeError) as error:
            raise SchemaError(
                f"cannot be read: {error}", where=str(path), fix="make it a readable UTF-8 file"
            ) from error
    _check_variants(files, others, dialect)
    check_order(files)
    return tuple(files)


def _check_variants(files: Sequence[SchemaFile], others: Sequence[Path], dialect: Dialect) -> None:
    """A step for another database has to be there for this one too, under the same name."""
    steps = {file.name[:4]: file for file in files}
    for path in others:
        file = steps.get(path.name[:4])
        other = SchemaFile(path.name, "")
        if file is None:
            raise SchemaError(
                f"has no counterpart for {dialect}",
                where=str(path),
                fix=f"write {other.step.removesuffix('.sql')}.{dialect}.sql, which may be just a comment",
            )
        if file.step == file.name or file.step != other.step:
            raise SchemaError(
                f"has the same number as {file.name}",
                where=str(path),
                fix="renumber one, or let them differ in nothing but .sqlite and .postgres",
            )


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


def verify_files(applied: Sequence[tuple[Any, ...]], files: Sequence[SchemaFile], database: str) -> None:
    """Compare what is recorded in the database with the files.

    Args:
        applied: Number, name, SHA-256 and more of each step, in order.
        database: For the message.
    Raises: SchemaError: a file is missing, or was renamed or changed.
    """
    for number, name, sha256, *_ in applied:
        if number > len(files):
            raise SchemaError(
                f"{name} was applied to the database, but the file is not there",
                where=(files[0].folder if files else "") or database,
                fix="restore it, or run the version of the service that has it",
            )
        file = files[number - 1]
        if file.step != name:
            raise SchemaError(
                f"was applied as {name}", where=file.where, fix="rename it back; a new change gets a new number"
            )
        if file.sha256 != sha256:
            raise SchemaError(
                "was changed after it had been applied",
                where=file.where,
                fix=f"restore it, and put the change into a new file {len(files) + 1:04}_….sql",
            )


def verify_objects(expected: Mapping[str, str], actual: Mapping[str, str], database: str) -> None:
    """Compare the objects that the last step left with those that are there.

    Args:
        expected: `table wallet` or `index by_owner on wallet` to a digest of its definition.
        database: For the message.
    Raises: SchemaError: somebody altered or dropped one, or put an index or trigger on one of our tables.
    """
    ours = {name.split()[1] for name in expected if name.startswith("table ")}
    missing = sorted(expected.keys() - actual.keys())
    altered = sorted(name for name in expected.keys() & actual.keys() if expected[name] != actual[name])
    added = sorted(
        name for name in actual.keys() - expected.keys() if " on " in name and name.rpartition(" on ")[2] in ours
    )
    found = [
        f"{what}: {', '.join(names)}"
        for what, names in (("missing", missing), ("altered", altered), ("added", added))
        if names
    ]
    if found:
        raise SchemaError(
            f"the schema was changed outside of the schema files ({'; '.join(found)})",
            where=database,
            fix="undo that by hand, and put the change into a new schema file",
        )
