"""Lock files: `contracts/<service>.lock.json` beside calve.toml, one per contract, under version control.

    {"lock": 1,                        format of the file
     "checksum": "sha256:…",           of everything below, however it is laid out
     "service": "wallet", "contract": "Wallet", "version": "1.0",
     "operations": {…}, …}             see model.py

Written so that people can read a difference: names sorted, a field or a parameter to a line. Nobody edits one by hand;
the checksum notices.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import msgspec

from ...core.errors import ConfigError
from .model import Description

FORMAT = 1
FOLDER = "contracts"
SUFFIX = ".lock.json"
LINE_LETTERS_MAX = 120

_CONFLICT = re.compile(rb"^(<{7}|={7}|>{7}|\|{7})( |$|\r)", re.MULTILINE)
_REWRITE = "restore it from version control, change the contract in code instead and run `calve contract lock`"


def lock_name(service: str) -> str:
    """Path of a service's lock, relative to calve.toml."""
    return f"{FOLDER}/{service}{SUFFIX}"


def write_lock(description: Description) -> str:
    """The text of a lock file."""
    content = _builtins(description)
    return _layout({"lock": FORMAT, "checksum": checksum(content), **content}) + "\n"


def read_lock(data: bytes, where: str) -> Description:
    """Read and check the content of a lock file.

    Args:
        data: The content.
        where: What errors call the file.
    Raises: ConfigError: a merge conflict, not JSON, an unknown field, another format, or edited by hand.
    """
    conflict = _CONFLICT.search(data)
    if conflict is not None:
        line = data.count(b"\n", 0, conflict.start()) + 1
        raise ConfigError(
            f"has an unresolved merge conflict in line {line}",
            where=where,
            fix="take the whole file of the branch you merge into, then run `calve contract lock`",
        )
    content = _parse(data, where)
    given = content.pop("lock", None)
    if given != FORMAT:
        raise ConfigError(
            f"is of format {given!r}, and this Calve reads {FORMAT}" if given is not None else "is no contract lock",
            where=where,
            fix="use the Calve that wrote it, or write it anew with `calve contract lock`",
        )
    noted = content.pop("checksum", None)
    try:
        description = msgspec.convert(content, Description)
    except (msgspec.ValidationError, TypeError) as error:
        raise ConfigError(f"is not as this Calve writes it: {error}", where=where, fix=_REWRITE) from error
    if noted != checksum(content):
        raise ConfigError("was edited by hand: its checksum does not fit its content", where=where, fix=_REWRITE)
    _check(description, where)
    return description


def load_lock(path: Path, where: str) -> Description | None:
    """Read a lock file; None when there is none. Raises ConfigError like `read_lock`."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=where) from error
    return read_lock(data, where)


def checksum(content: dict[str, Any]) -> str:
    """Of everything but the first two members, however it is laid out."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _builtins(description: Description) -> dict[str, Any]:
    # Through JSON, so that what is written has the checksum of what will be read.
    content: dict[str, Any] = json.loads(msgspec.json.encode(description))
    return content


def _parse(data: bytes, where: str) -> dict[str, Any]:
    try:
        content = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8: {error.reason}", where=where, fix=_REWRITE) from error
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"is not JSON: {error.msg} in line {error.lineno}, column {error.colno}", where=where, fix=_REWRITE
        ) from error
    except RecursionError as error:
        raise ConfigError("is nested too deep", where=where, fix=_REWRITE) from error
    if not isinstance(content, dict):
        raise ConfigError("is no contract lock", where=where, fix=_REWRITE)
    return content


def _check(description: Description, where: str) -> None:
    """What a checksum made by hand would let through: names of nothing."""
    named = description.messages.keys() | description.enums.keys()
    for path, shape in description.shapes():
        pending = [shape]
        while pending:
            inner = pending.pop()
            if inner.type == "ref" and inner.ref not in named:
                raise ConfigError(f"{path} refers to {inner.ref!r}, which is nowhere", where=where, fix=_REWRITE)
            pending += [child for _, child in inner.children()]
    for name, operation in description.operations.items():
        for error in operation.raises:
            if error not in description.errors:
                raise ConfigError(f"{name} raises {error!r}, which is nowhere", where=where, fix=_REWRITE)
    for event in description.events:
        if event not in description.messages:
            raise ConfigError(f"publishes {event!r}, which is nowhere", where=where, fix=_REWRITE)


def _layout(value: Any, indent: str = "", *, tall: bool = True, taken: int = 1) -> str:
    """JSON with a field, a parameter, a list of numbers to a line; `tall` is broken though it might fit."""
    if not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=False)
    flat = json.dumps(_name_first(value), ensure_ascii=False)
    if not tall and len(indent) + taken + len(flat) <= LINE_LETTERS_MAX:
        return flat
    inner = indent + "  "
    if isinstance(value, list):
        return "[\n" + ",\n".join(inner + _layout(item, inner, tall=False) for item in value) + f"\n{indent}]"
    lines = []
    for key, item in _name_first(value).items():
        broken = (
            (key in _TALL and isinstance(item, list))
            or not indent
            or (isinstance(item, dict) and not _TALL.isdisjoint(item))
        )
        label = f"{json.dumps(key, ensure_ascii=False)}: "
        lines.append(f"{inner}{label}{_layout(item, inner, tall=broken, taken=len(label) + 1)}")
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


_TALL = {"fields", "parameters", "answer"}
"""Members that make what has them tall; only lists among them are so themselves."""


def _name_first(value: Any) -> Any:
    if isinstance(value, list):
        return [_name_first(item) for item in value]
    if not isinstance(value, dict):
        return value
    named = {"name": value["name"], **value} if isinstance(value.get("name"), str) else value
    return {key: _name_first(item) for key, item in named.items()}
