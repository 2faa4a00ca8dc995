"""The OpenAPI document of an adopted application, merged into that of its unit.

    its own                          merged, for an application `legacy` mounted at /old
      /items/{id}                      /old/items/{id}
      #/components/schemas/Item        #/components/schemas/legacy.Item      in every reference to it as well
      operationId read_item            legacy.read_item
      tag items                        legacy: items
      security, parameters of a        the same at each operation
      document or path

Every name gets the service in front, so none can meet one of ours or of another application. OpenAPI 3.0 documents are
rewritten to 3.1 where the two differ; older ones are left out, as is an application without a document.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from ..rest.base import AsgiApp, Event
from .containment import contained

Json = Any
Document = dict[str, Any]

DOCUMENT_BYTES_MAX = 16 << 20
ASK_SECONDS = 10.0
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9._-]")
_DATA = frozenset({"example", "default", "const", "enum", "value"})
"""Keys whose values are data: what looks like a reference there is none."""


class Guest(NamedTuple):
    """An application's document, and where it belongs."""

    service: str
    mount: str
    document: Document


async def ask_document(loaded: Any, app: AsgiApp, mount: str, path: str) -> Document | None:
    """Get the document of an application.

    Args:
        loaded: The application as it was imported; FastAPI's makes its document itself (`openapi()`).
        app: The same over ASGI, to be asked otherwise.
        mount: Where it is mounted.
        path: Where its document is, within it.
    Returns: None when it has none that can be merged, or fails to make it.
    """
    make = getattr(loaded, "openapi", None)
    try:
        if callable(make):
            # By way of JSON: what it keeps for itself stays untouched, and what is no JSON shows here.
            document = msgspec.json.decode(msgspec.json.encode(make()))
        else:
            async with asyncio.timeout(ASK_SECONDS):
                document = await _get(app, mount, path)
    except Exception:  # noqa: BLE001  (its code may raise anything; it then simply has no document)
        return None
    return document if _is_openapi(document) else None


async def _get(app: AsgiApp, mount: str, path: str) -> Json:
    prefix = "" if mount == "/" else mount
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": prefix + path,
        "raw_path": (prefix + path).encode(),
        "query_string": b"",
        "root_path": prefix,
        "headers": [(b"host", b"localhost"), (b"accept", b"application/json")],
        "client": ("127.0.0.1", 0),
        "server": ("localhost", 80),
    }
    events: list[Event] = [{"type": "http.request", "body": b"", "more_body": False}]
    status, body, done = 0, bytearray(), asyncio.Event()

    async def receive() -> Event:
        if events:
            return events.pop()
        await done.wait()
        return {"type": "http.disconnect"}

    async def send(event: Event) -> None:
        nonlocal status
        if event["type"] == "http.response.start":
            status = event["status"]
        elif event["type"] == "http.response.body":
            body.extend(event.get("body", b""))
            if len(body) > DOCUMENT_BYTES_MAX:
                raise ValueError("too large")
            if not event.get("more_body", False):
                done.set()

    await contained(app(scope, receive, send))  # type: ignore[arg-type]
    return msgspec.json.decode(body) if status == 200 else None


def _is_openapi(document: Json) -> bool:
    if not isinstance(document, dict) or not isinstance(document.get("paths", {}), dict):
        return False
    return str(document.get("openapi", "")).startswith(("3.0", "3.1"))


def merged(ours: Document, guests: Iterable[Guest]) -> Document:
    """One document of several.

    Args:
        ours: That of the contracts; it has the last word where both have a path and method.
        guests: Those of applications. What in one does not have the form it should is left out.
    Returns: a new document; the given ones are not changed.
    """
    out = {**ours, "paths": {path: dict(item) for path, item in ours["paths"].items()}}
    out["components"] = {kind: dict(named) for kind, named in ours.get("components", {}).items()}
    out["tags"] = list(ours.get("tags", []))
    for guest in guests:
        _Merger(guest).into(out)
    return out


class _Merger:
    def __init__(self, guest: Guest) -> None:
        self._service, self._document = guest.service, guest.document
        self._prefix = "" if guest.mount == "/" else guest.mount
        self._modern = not str(guest.document["openapi"]).startswith("3.0")
        self._tags: dict[str, str] = {}
        self._ids: set[str] = set()

    def into(self, out: Document) -> None:
        for kind, named in _table(self._document.get("components")).items():
            target = out["components"].setdefault(kind, {})
            convert = self._schema if kind == "schemas" else self._any
            target.update({self._name(name): convert(value) for name, value in _table(named).items()})
        described = {tag["name"]: tag for tag in self._document.get("tags") or [] if _table(tag).get("name")}
        shapes = {_shape(path): path for path in out["paths"]}
        for path, item in _table(self._document.get("paths")).items():
            placed = self._prefix + path
            # The same path with other names of parameters would not be valid; the contract's is the one that is served.
            if path.startswith("/") and isinstance(item, dict) and shapes.get(_shape(placed), placed) == placed:
                self._path(out["paths"].setdefault(placed, {}), path, item)
        for tag, shown in self._tags.items():
            text = _table(described.get(tag)).get("description", "")
            out["tags"].append({"name": shown, "description": text or _title(self._document)})

    def _path(self, target: Document, path: str, item: Document) -> None:
        shared = [self._any(p) for p in item.get("parameters") or []]
        for method in METHODS:
            operation = item.get(method)
            if isinstance(operation, dict) and method not in target:
                target[method] = self._operation(method, path, operation, shared)

    def _operation(self, method: str, path: str, operation: Document, shared: list[Json]) -> Document:
        out: Document = self._any({k: v for k, v in operation.items() if k not in ("tags", "servers", "security")})
        wanted = operation.get("operationId") or f"{method}_{path}"
        out["operationId"] = self._unique(self._name(str(wanted)))
        tags = [str(tag) for tag in operation.get("tags") or []] or [""]
        for tag in tags:
            self._tags.setdefault(tag, f"{self._service}: {tag}" if tag else self._service)
        out["tags"] = [self._tags[tag] for tag in tags]
        own = {(p.get("name"), p.get("in")) for p in out.get("parameters", []) if isinstance(p, dict)}
        parameters = [p for p in shared if (p.get("name"), p.get("in")) not in own] + out.get("parameters", [])
        if parameters:
            out["parameters"] = parameters
        out.setdefault("responses", {"default": {"description": "An answer"}})
        if (security := operation.get("security", self._document.get("security"))) is not None:
            out["security"] = [{self._name(name): scopes for name, scopes in rule.items()} for rule in security]
        return out

    def _unique(self, name: str) -> str:
        found, number = name, 1
        while found in self._ids:
            number += 1
            found = f"{name}_{number}"
        self._ids.add(found)
        return found

    def _name(self, name: str) -> str:
        return f"{self._service}.{_NOT_A_NAME.sub('_', name)}"

    def _any(self, value: Json) -> Json:
        """Anything but a schema, with its references and the schemas inside it rewritten."""
        return self._walk(value, self._any, lambda key: self._schema if key == "schema" else self._any)

    def _schema(self, value: Json) -> Json:
        """A schema."""
        walked = self._walk(value, self._schema, lambda _: self._schema)
        if isinstance(walked, dict) and not self._modern:
            _modernise(walked)
        return walked

    def _walk(self, value: Json, again: Callable[[Json], Json], of: Callable[[str], Callable[[Json], Json]]) -> Json:
        if isinstance(value, list):
            return [again(item) for item in value]
        if not isinstance(value, dict):
            return value
        out: Document = {}
        for key, below in value.items():
            if key == "$ref" and isinstance(below, str):
                out[key] = self._reference(below)
            elif key == "mapping" and "propertyName" in value and isinstance(below, dict):
                out[key] = {name: self._reference(to, bare=True) for name, to in below.items()}
            elif key == "operationId" and isinstance(below, str):
                out[key] = self._name(below)
            elif key in ("properties", "patternProperties", "$defs", "dependentSchemas") and isinstance(below, dict):
                out[key] = {name: again(schema) for name, schema in below.items()}
            elif key in _DATA or (key == "examples" and isinstance(below, list)):
                out[key] = below
            else:
                out[key] = of(key)(below)
        return out

    def _reference(self, reference: str, *, bare: bool = False) -> str:
        match reference.split("/"):
            case ["#", "components", kind, name, *rest]:
                return "/".join(["#", "components", kind, self._name(_unescaped(name)), *rest])
            case ["#", "paths", path, *rest]:
                own = (self._prefix + _unescaped(path)).replace("~", "~0").replace("/", "~1")
                return "/".join(["#", "paths", own, *rest])
            case [name] if bare and name in _table(_table(self._document.get("components")).get("schemas")):
                return f"#/components/schemas/{self._name(name)}"
        return reference


def _modernise(schema: Document) -> None:
    """From the schema of OpenAPI 3.0, in place, to that of JSON Schema 2020-12."""
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        flag = schema.get(exclusive)
        if isinstance(flag, bool):
            del schema[exclusive]
            if flag and inclusive in schema:
                schema[exclusive] = schema.pop(inclusive)
    if schema.pop("nullable", False) is True:
        if isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
            if "enum" in schema and None not in schema["enum"]:
                schema["enum"] = [*schema["enum"], None]
        elif schema:
            inner = dict(schema)
            schema.clear()
            schema["anyOf"] = [inner, {"type": "null"}]


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def _title(document: Document) -> str:
    info = _table(document.get("info"))
    return str(info.get("description") or info.get("title") or "")


def _table(value: Json) -> Document:
    return value if isinstance(value, dict) else {}


def _unescaped(name: str) -> str:
    return name.replace("~1", "/").replace("~0", "~")
