"""The rules about data: a store belongs to one service, and so do its tables.

store      two services have one database, or one names the database file of another
table      a service names a table that the schema of another makes
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from ..core.errors import ConfigError
from ..core.toml import shown_path
from .base import Violation
from .source import Module, Place
from .sql import TableName, is_sql, tables_of
from .territory import Application, place_of
from .texts import texts_of


class Use(NamedTuple):
    """A table that a service or shared code names."""

    user: str | None
    """The service; None: code that belongs to none."""
    table: TableName
    place: Place


def check_tables(application: Application) -> Iterator[Violation]:
    """Find tables that are used by services that do not make them, but others do."""
    made: defaultdict[str, set[str]] = defaultdict(set)
    uses: list[Use] = []
    for user, table, place in _all_uses(application):
        if table.makes and user is not None:
            made[table.name].add(user)
        uses.append(Use(user, table, place))
    found: dict[str, Violation] = {}
    for user, table, place in uses:
        makers = made.get(table.name, set())
        theirs = {table.schema} & makers or makers  # `wallet.entry`: the schema of a service on PostgreSQL
        if not theirs or (user in theirs and (table.schema not in application.services or table.schema == user)):
            continue
        owners = ", ".join(sorted(theirs))
        who = user or "code of no service"
        what = f"{user or application.module_at(place)} -> {owners}.{table.name}"
        violation = Violation(
            rule="table",
            what=what,
            place=place,
            message=f"{who} uses the table {table.name}, which is made by {owners}",
            fix=f"let {owners} have an operation for it",
        )
        found.setdefault(what, violation)
    yield from found.values()


def _all_uses(application: Application) -> Iterator[Use]:
    for service in application.services.values():
        for path in _schema_files(application, service.name):
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"cannot be read: {error}", where=shown_path(path)) from error
            for table in tables_of(text):
                yield Use(service.name, table, Place(path, text.count("\n", 0, table.at) + 1))
    for name, module in application.sources.items():
        owner = application.owner(name)
        for text, place in texts_of(module):
            if is_sql(text):
                for table in tables_of(text):
                    yield Use(owner, table, place)
        for mapped, place in _mapped(module):
            yield Use(owner, TableName(mapped.lower(), "", True, 0), place)


def _schema_files(application: Application, service: str) -> list[Path]:
    """The schema of a service. Of services in single files that lie in one folder, it is of those that have a store."""
    package = application.services[service].package
    module = application.sources.get(package)
    if module is not None and not module.is_package and not application.wants_store(service):
        return []
    folder = application.config.root.joinpath(*package.split(".")) if module is None else module.path.parent
    return sorted(folder.glob("schema/*.sql"))


def _mapped(module: Module) -> Iterator[tuple[str, Place]]:
    """Tables of object-relational mappers: `__tablename__ = "x"`, and `db_table = "x"` of Django."""
    for node in module.nodes:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            names = {target.id for target in node.targets if isinstance(target, ast.Name)}
            if names & {"__tablename__", "db_table"}:
                yield node.value.value, module.place(node)


def check_stores(application: Application) -> Iterator[Violation]:
    """Find services that share a database, and services that name the file of another's."""
    config = application.config
    homes: dict[str, str] = {}
    files: dict[str, Path] = {}
    for name in config.services:
        url = config.store_url(name)
        other = homes.setdefault(_identity(url), name)
        if other != name:
            yield Violation(
                rule="store",
                what=f"{other} = {name}",
                place=place_of(config.file.path, config.store_where(name)),
                message=f"{other} and {name} have the same database",
                fix="give each its own",
            )
        if url.startswith("sqlite:///"):
            files[name] = Path(url.removeprefix("sqlite:///"))
    yield from _foreign_files(application, files)


def _foreign_files(application: Application, files: dict[str, Path]) -> Iterator[Violation]:
    root = application.config.root
    named = {str(path.relative_to(root) if path.is_relative_to(root) else path): name for name, path in files.items()}
    for user, text, place in _configured_texts(application):
        for path, owner in named.items():
            if owner != user and path in text.replace("\\", "/"):
                yield Violation(
                    rule="store",
                    what=f"{user or application.module_at(place)} -> {path}",
                    place=place,
                    message=f"{user or 'code of no service'} names {path}, the database of {owner}",
                    fix=f"call {owner} instead",
                )


def _configured_texts(application: Application) -> Iterator[tuple[str | None, str, Place]]:
    for name, module in application.sources.items():
        for text, place in texts_of(module):
            yield application.owner(name), text, place
    file = application.config.file
    for service in application.services:
        section = f"service.{service}"
        for key, value in file.table(section).items():
            if isinstance(value, str):
                yield service, value, place_of(file.path, file.where(section, key))


def _identity(url: str) -> str:
    """What two URLs of one database have in common; credentials and options that do not choose it are left out."""
    if url.startswith("sqlite:///"):
        return str(Path(url.removeprefix("sqlite:///")).resolve())
    parts = urlsplit(url)
    options = sorted(o for o in parts.query.split("&") if "search_path" in o or o.startswith("schema="))
    return f"{parts.scheme.partition('+')[0]}://{parts.hostname}:{parts.port or ''}{parts.path}?{'&'.join(options)}"
