"""What surrounds the code of an ejected service: its composition, and the files that make a folder a project."""

from __future__ import annotations

import json
from importlib import resources
from string import Template
from typing import Any, NamedTuple

import msgspec

from ..contract import ContractInfo, is_contract
from ..contract.openapi import openapi
from ..core.clock import Clock
from ..core.settings import Settings
from ..observe import Logger
from ..service.injection import constructor_parameters
from ..service.loading import LoadedService
from ..store import Store
from .base import Package
from .clients import client_name
from .signatures import Imports
from .text import laid_out

PINS = {
    "asyncpg": "asyncpg>=0.30",
    "httpx": "httpx>=0.27",
    "msgspec": "msgspec>=0.20",
    "starlette": "starlette>=0.46",
    "uvicorn": "uvicorn[standard]>=0.30",
}


_STARLETTE = (
    ("applications", "Starlette"),
    ("exceptions", "HTTPException"),
    ("requests", "Request"),
    ("responses", "FileResponse"),
    ("responses", "JSONResponse"),
    ("responses", "Response"),
    ("routing", "Route"),
)


class Neighbour(NamedTuple):
    """A service that the ejected one calls."""

    service: str
    info: ContractInfo
    internal: tuple[str, ...]
    """Operations of it that are called and that Calve does not show on REST."""
    url: str | None = None
    """Where it is, if calve.toml says so: somebody else's HTTP service."""


class Facts(NamedTuple):
    """What the files are made of."""

    loaded: LoadedService
    version: str
    """Of the project."""
    dialect: str
    store_url: str
    """As calve.toml has it, without a password."""
    schema: str
    """Folder of the schema files, relative to the new project; '' when there is none."""
    given: dict[str, Any]
    """Settings of the service that calve.toml has, by field."""
    neighbours: tuple[Neighbour, ...]
    libraries: tuple[str, ...]
    tops: tuple[str, ...]
    """Top packages and modules that go along."""
    internal: tuple[str, ...]
    """Operations of the service itself that Calve does not show on REST."""
    notes: tuple[str, ...]
    names: Package


class Variable(NamedTuple):
    """A setting of the process."""

    name: str
    kind: str
    default: str | None
    """As source; None when it has to be set."""
    what: str


def template(name: str) -> str:
    """The text of a template."""
    return resources.files("calve.eject").joinpath("template", f"{name}.tmpl").read_text(encoding="utf-8")


def has_store(loaded: LoadedService) -> bool:
    """Whether the service asks for its database."""
    assert loaded.implementation is not None
    return Store in constructor_parameters(loaded.implementation).values()


def main_module(facts: Facts) -> str:
    """The source of `main.py`."""
    names, loaded = facts.names, facts.loaded
    imports = Imports(names.support, frozenset(facts.tops))
    imports.add_module("import uvicorn")
    for module, name in _STARLETTE:
        imports.add(f"starlette.{module}", name)
    for name in ("ConfigError", "Settings"):
        imports.add(names.support, name)
    imports.add(f"{names.support}.errors", "HttpError")
    imports.add(f"{names.support}.keys", "Keys")
    imports.add(f"{names.support}.log", "configure_logging")
    imports.add(f"{names.support}.problems", "answer_error")
    imports.add(f"{names.support}.settings", "load_settings")
    imports.add(".routes", "Routes")
    body = _body(facts, imports)
    fields = [f"    {v.name}: {v.kind}" + ("" if v.default is None else f" = {v.default}") for v in variables(facts)]
    if any(v.kind.startswith("Secret") for v in variables(facts)):
        imports.add(names.support, "Secret")
    return _fill(
        "project/main.py",
        title=f"The service {loaded.name}",
        neighbours_word="clients of other services, " if facts.neighbours else "",
        imports=imports.text(),
        fields="\n".join(fields),
        body="\n".join(f"        {line}" for line in body),
        app=names.app,
    )


def _body(facts: Facts, imports: Imports) -> list[str]:
    """Statements that make the service, from the inside out."""
    loaded, names, service = facts.loaded, facts.names, facts.loaded.name
    assert loaded.implementation is not None
    lines: list[str] = []
    if has_store(loaded):
        lines += _open_store(facts, imports)
    token = "token"  # noqa: S105
    lines += (
        ["token = settings.internal_token.reveal() if settings.internal_token else None"] if _needs_token(facts) else []
    )
    arguments = []
    for parameter, wanted in constructor_parameters(loaded.implementation).items():
        arguments.append(f"{parameter}={_argument(facts, imports, parameter, wanted, lines)}")
    kind = imports.need_class(loaded.implementation)
    lines += laid_out(f"service = {kind}(", arguments, ")", "        ").replace("\n        ", "\n").strip().split("\n")
    if _hook(loaded, "start"):
        lines.append("await service.start()")
    if _hook(loaded, "stop"):
        lines.append("stack.push_async_callback(service.stop)")
    store = "store" if has_store(loaded) else "None"
    lines.append(f"routes = Routes(service, Keys({store}), {token if _needs_token(facts) else 'None'}).routes()")
    if has_store(loaded):
        imports.add(f"{names.support}.keys", "prune_hourly")
        lines.append("pruning = asyncio.create_task(prune_hourly(store))")
        lines.append("stack.callback(pruning.cancel)")
    assert service
    return lines


def _open_store(facts: Facts, imports: Imports) -> list[str]:
    support = facts.names.support
    imports.add(f"{support}.store.schema", "load_schema")
    schema = f'load_schema(ROOT / "{facts.schema}")' if facts.schema else "[]"
    if facts.dialect == "postgres":
        imports.add(f"{support}.store.postgres", "PostgresStore")
        if not facts.schema:
            imports.drop(f"{support}.store.schema", "load_schema")
        return [
            "password = settings.database_password.reveal() if settings.database_password else None",
            f"store = await PostgresStore.open(settings.database_url, password, {schema})",
            "stack.push_async_callback(store.close)",
        ]
    imports.add(f"{support}.store.sqlite", "SqliteStore")
    if not facts.schema:
        imports.drop(f"{support}.store.schema", "load_schema")
    return [
        'path = ROOT / settings.database_url.removeprefix("sqlite:///")',
        f"store = await SqliteStore.open(path, {schema})",
        "stack.push_async_callback(store.close)",
    ]


def _argument(facts: Facts, imports: Imports, parameter: str, wanted: Any, lines: list[str]) -> str:
    """What a parameter of the constructor gets; `lines` gets what has to be made before."""
    support, service = facts.names.support, facts.loaded.name
    if wanted is Store:
        return "store"
    if wanted is Clock:
        imports.add(support, "SystemClock")
        return "SystemClock()"
    if wanted is Logger:
        imports.add(support, "Logger")
        return f'Logger("{service}")'
    if is_contract(wanted):
        neighbour = next(n for n in facts.neighbours if n.info.cls is wanted)
        imports.add(f"{support}.calls", "Peer")
        imports.add(f".clients.{neighbour.service}", client_name(neighbour.info))
        token = "token" if neighbour.internal else "None"
        name = _variable(neighbour.service)
        made = [f'"{neighbour.service}"', f"settings.{name}_url", token]
        if neighbour.url is not None:
            made.append(f"settings.{name}_token.reveal() if settings.{name}_token else None")
        lines.append(f"{parameter}_peer = Peer({', '.join(made)})")
        lines.append(f"stack.push_async_callback({parameter}_peer.close)")
        return f"{client_name(neighbour.info)}({parameter}_peer)"
    assert isinstance(wanted, type)
    assert issubclass(wanted, Settings)
    kind = imports.need_class(wanted)
    given = _given(facts, wanted)
    return f'load_settings({kind}, "{_variable(service).upper()}"{f", {given!r}" if given else ""})'


def _given(facts: Facts, kind: type[Any]) -> dict[str, Any]:
    """What calve.toml has for a class of settings, secrets left out."""
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return {name: value for name, value in facts.given.items() if name in fields and "Secret" not in str(fields[name])}


def _needs_token(facts: Facts) -> bool:
    return bool(facts.internal) or any(neighbour.internal for neighbour in facts.neighbours)


def _hook(loaded: LoadedService, name: str) -> bool:
    return name not in loaded.contract.operations and hasattr(loaded.implementation, name)


def _variable(service: str) -> str:
    return service.replace("-", "_").lower()


def variables(facts: Facts) -> list[Variable]:
    """Settings of the process, those without a default first."""
    near = [n for n in facts.neighbours if n.url is None]
    found = [Variable(f"{_variable(n.service)}_url", "str", None, f"address of {n.service}") for n in near]
    for n in facts.neighbours:
        if n.url is not None:
            name, what = _variable(n.service), f"bearer token for {n.service}, if it asks for one"
            found.append(Variable(f"{name}_url", "str", json.dumps(n.url), f"address of {n.service}"))
            found.append(Variable(f"{name}_token", "Secret | None", "None", what))
    if has_store(facts.loaded):
        found.append(Variable("database_url", "str", json.dumps(facts.store_url), "the database; the service's own"))
        if facts.dialect == "postgres":
            found.append(
                Variable("database_password", "Secret | None", "None", "of the role, if the server asks for it")
            )
    found += [
        Variable("host", "str", '"127.0.0.1"', "address to listen on"),
        Variable("port", "int", "8000", "port to listen on"),
        Variable("log_level", "str", '"info"', "debug, info, warning or error"),
    ]
    if _needs_token(facts):
        what = "what services show each other for operations under /internal; without it, these are not served"
        found.append(Variable("internal_token", "Secret | None", "None", what))
    return found


def readme(facts: Facts) -> str:
    """The README."""
    loaded, names = facts.loaded, facts.names
    rows = [f"| {v.name.upper()} | {_shown(v.default)} | {v.what} |" for v in variables(facts)]
    assert loaded.implementation is not None
    for wanted in constructor_parameters(loaded.implementation).values():
        if isinstance(wanted, type) and issubclass(wanted, Settings):
            rows += [_setting_row(facts, wanted, field) for field in msgspec.structs.fields(wanted)]
    tree = [f"    {names.app}/clients/        the services it calls, over HTTP"] if facts.neighbours else []
    tree += [
        f"    {top}/" + " " * max(19 - len(top), 1) + "the service's own code, and what it imports"
        for top in facts.tops
    ]
    tree += [
        f"    {names.support}/"
        + " " * max(19 - len(names.support), 1)
        + "what every such service needs: HTTP, errors, store, settings"
    ]
    notes = "## To know\n\n" + "\n".join(f"- {note}" for note in facts.notes) + "\n\n" if facts.notes else ""
    return _fill(
        "project/README.md",
        service=loaded.name,
        title=_title(facts),
        command=f"python -m {names.app}",
        settings="\n".join(rows),
        notes=notes,
        app=names.app,
        tree="\n".join(tree) + "\n",
    )


def _shown(default: str | None) -> str:
    """A default as the README has it."""
    return "has to be set" if default is None else "" if default == "None" else default.strip('"')


def _setting_row(facts: Facts, kind: type[Any], field: msgspec.structs.FieldInfo) -> str:
    value = _given(facts, kind).get(field.name, field.default)
    shown = "has to be set" if field.required and field.name not in _given(facts, kind) else f"{value}"
    return f"| {_variable(facts.loaded.name).upper()}_{field.name.upper()} | {shown} | of {kind.__name__} |"


def pyproject(facts: Facts) -> str:
    """pyproject.toml."""
    needs = ["msgspec", "starlette", "uvicorn"]
    needs += ["httpx"] if facts.neighbours else []
    needs += ["asyncpg"] if has_store(facts.loaded) and facts.dialect == "postgres" else []
    listed = sorted([*(PINS[name] for name in needs), *facts.libraries])
    packages = [
        facts.names.app,
        facts.names.support,
        *facts.tops,
        *([facts.schema] if facts.schema == "schema" else []),
    ]
    return _fill(
        "project/pyproject.toml",
        service=facts.loaded.name,
        version=facts.version,
        title=_title(facts).replace('"', "'"),
        app=facts.names.app,
        dependencies="\n".join(f'    "{requirement}",' for requirement in listed),
        packages=", ".join(f'"{package}"' for package in packages),
    )


def test_module(facts: Facts) -> str:
    """A test of the whole service."""
    lines = []
    if has_store(facts.loaded):
        if facts.dialect == "postgres":
            lines.append('    if "DATABASE_URL" not in os.environ:')
            lines.append('        pytest.skip("needs a database: set DATABASE_URL")')
        else:
            lines.append('    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/service.db")')
    lines += [
        f'    monkeypatch.setenv("{_variable(n.service).upper()}_URL", "http://127.0.0.1:9")' for n in facts.neighbours
    ]
    text = _fill(
        "project/test_service.py",
        app=facts.names.app,
        support=facts.names.support,
        environment="\n".join(lines),
    )
    return text if "os.environ" in text else text.replace("import os\n", "")


def document(facts: Facts) -> bytes:
    """openapi.json."""
    pair = (facts.loaded.name, facts.loaded.contract)
    made = openapi([pair], title=facts.loaded.name, version=facts.version)
    return msgspec.json.format(msgspec.json.encode(made)) + b"\n"


def _title(facts: Facts) -> str:
    return (facts.loaded.contract.doc or f"The service {facts.loaded.name}.").splitlines()[0]


def _fill(name: str, **values: str) -> str:
    return Template(template(name)).substitute(values)
