"""Ejecting a service: all that is read, rewritten and generated, in order.

closure ──> rewrite ──> carried modules
contract ──> routes.py, openapi.json        neighbours' contracts ──> clients/
constructor, calve.toml ──> main.py, README, pyproject.toml
templates ──> the support package
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..boundaries import Application
from ..boundaries.calls import ANY, call_graph
from ..boundaries.source import Module
from ..contract import ContractInfo, describe
from ..core.errors import ConfigError
from ..core.suggest import did_you_mean
from ..runtime import AppConfig
from ..service.loading import LoadedService, load_contract, load_object, load_service
from ..store.schema import DIALECTS, Dialect, SchemaFile, load_schema
from .base import Ejected, EjectRefused, Package, Refusal
from .clients import client_module
from .closure import Closure, closure
from .composing import main_module
from .facts import Facts, Neighbour, identifier
from .names import PUBLISHES
from .project import document, pyproject, readme, test_module
from .rewrite import rewrite
from .routes import routes_module
from .signatures import Imports, signatures
from .text import template

SUPPORT = (
    "__init__.py", "messages.py", "errors.py", "problems.py", "arguments.py", "operations.py", "streams.py", "keys.py",
    "settings.py", "clock.py", "log.py",
)  # fmt: skip
STORE = ("store/__init__.py", "store/base.py", "store/errors.py", "store/schema.py")
Progress = Callable[[str], None]


def eject(config: AppConfig, service: str, progress: Progress = lambda line: None) -> Ejected:
    """Make a project of a service, in memory.

    Args:
        service: Name of a service that a unit of this project hosts.
        progress: Gets a line before each step.
    Raises:
        EjectRefused: it uses something that has no counterpart outside of Calve.
        ConfigError: there is no such service, or the project is not as it should be.
    """
    if service not in config.services:
        what = "is an application of its own already: deploy it as it is" if service in config.adopted else ""
        fix = what or did_you_mean(service, config.services)
        raise ConfigError(f"no service {service!r} to eject", where=config.file.shown, fix=fix)
    progress(f"reading {service} and what it imports")
    application = Application(config)
    found = closure(application, service)
    loaded = load_service(config.services[service], hosted=True)
    names = _names(found)
    carried, refusals = _rewritten(application, found, names)
    refusals = [*found.refusals, *refusals, *_promises(application, loaded)]
    if refusals:
        raise EjectRefused(service, sorted(refusals))
    facts = _facts(application, loaded, found, names)
    progress(
        f"writing {loaded.contract.name} as routes" + (", and its neighbours as clients" if facts.neighbours else "")
    )
    files = _files(application, facts, found)
    files |= {path: text.encode() for path, text in sorted(carried.items())}
    files |= _data(application, service, loaded, facts)
    for path, content in files.items():
        if path.endswith(".py"):
            ast.parse(content, path)
    return Ejected(service, f"python -m {names.app}", files, sorted(carried), list(facts.notes))


def _names(found: Closure) -> Package:
    """Names of the generated packages that nothing of the project has."""
    tops = {name.partition(".")[0] for name in found.modules}
    app, support = ("app", "support")
    while app in tops:
        app = f"{app}_"
    while support in tops:
        support = f"{support}_"
    return Package(app, support)


def _path(module: Module) -> str:
    path = module.name.replace(".", "/")
    return f"{path}/__init__.py" if module.is_package else f"{path}.py"


def _rewritten(application: Application, found: Closure, names: Package) -> tuple[dict[str, str], list[Refusal]]:
    carried, refusals = {}, []
    for name, module in found.modules.items():
        text = module.path.read_text(encoding="utf-8")
        shown = module.place(module.tree).shown(application.config.root).rpartition(":")[0]
        carried[_path(module)], more = rewrite(module, text, names.support, _wanted(found, name), shown)
        refusals += more
    return carried, refusals


def _wanted(found: Closure, module: str) -> frozenset[str]:
    """What other modules import from one."""
    return frozenset(
        alias.name
        for other in found.modules.values()
        for node in other.nodes
        if isinstance(node, ast.ImportFrom) and other.absolute(node.level, node.module) == module
        for alias in node.names
    )


def _promises(application: Application, loaded: LoadedService) -> list[Refusal]:
    """What the service's own contract promises that an ejected one cannot keep."""
    source = application.contract(loaded.name)
    where = loaded.module if source is None else source.module.place(source.node).shown(application.config.root)
    fix = "check it in the ejected project's own middleware, and take role= out of the contract"
    refusals = [
        Refusal(where, f"{name} needs the role {operation.role!r}, and principals are not carried over", fix)
        for name, operation in loaded.contract.operations.items()
        if operation.role is not None
    ]
    if loaded.contract.publishes:
        events = ", ".join(event.__name__ for event in loaded.contract.publishes)
        what = f"{loaded.contract.name} publishes {events}, and an ejected service has no log to publish through"
        refusals.append(Refusal(where, what, PUBLISHES))
    return refusals


def _facts(application: Application, loaded: LoadedService, found: Closure, names: Package) -> Facts:
    config, service = application.config, loaded.name
    dialect: Dialect = "sqlite" if config.store_in_file(service) else "postgres"
    schema = load_schema(loaded.folder / "schema", dialect)
    neighbours = _neighbours(application, service)
    internal = tuple(name for name, op in loaded.contract.operations.items() if op.http is None)
    table = config.file.table(f"service.{service}")
    return Facts(
        loaded=loaded,
        version=config.app.version,
        dialect=dialect,
        store_url=f"sqlite:///data/{service}.db" if dialect == "sqlite" else config.store_url(service),
        schema=_schema_folder(found, loaded) if schema else "",
        given={name: value for name, value in table.items() if isinstance(value, str | int | float | bool | list)},
        neighbours=neighbours,
        libraries=tuple(found.libraries),
        tops=tuple(dict.fromkeys(_path(m).partition("/")[0] for m in found.modules.values())),
        internal=internal,
        notes=tuple(_notes(config, loaded, internal, neighbours)),
        names=names,
    )


def _neighbours(application: Application, service: str) -> tuple[Neighbour, ...]:
    config, graph = application.config, call_graph(application)
    found = []
    for callee in application.declared(service):
        info = _contract_of(config, callee)
        called = {site.callee.name for site in graph.between(service, callee)}
        internal = [n for n, op in info.operations.items() if op.http is None and (n in called or ANY in called)]
        url = config.remotes[callee].url if callee in config.remotes else None
        found.append(Neighbour(callee, info, tuple(internal), url))
    return tuple(found)


def _contract_of(config: AppConfig, service: str) -> ContractInfo:
    if service in config.services:
        return load_contract(config.services[service])
    cls: Any = load_object(config.remotes[service].contract, where=config.file.where(f"service.{service}", "contract"))
    return describe(cls)


def _notes(
    config: AppConfig, loaded: LoadedService, internal: tuple[str, ...], neighbours: tuple[Neighbour, ...]
) -> list[str]:
    notes = []
    if internal:
        notes.append(
            f"{', '.join(internal)}: for other services only, under /internal/<operation>; needs INTERNAL_TOKEN, which"
            " whoever calls it has too. Let no gateway pass on /internal."
        )
    for neighbour in neighbours:
        if neighbour.internal:
            notes.append(
                f"It calls {', '.join(neighbour.internal)} of {neighbour.service}, which Calve does not show on REST:"
                f' eject {neighbour.service}, too, or give them http="…" in its contract.'
            )
    if neighbours:
        notes.append("Calls are tried once: retries, breakers, slots and fallbacks are not carried over.")
    if config.middleware:
        notes.append(f"The middleware {', '.join(config.middleware)} is not carried over.")
    if config.http.authenticator:
        notes.append("The authenticator is not carried over: nobody checks tokens here.")
    return notes


def _schema_folder(found: Closure, loaded: LoadedService) -> str:
    parent = _path(found.modules[loaded.module]).rpartition("/")[0]
    return f"{parent}/schema" if parent else "schema"


def _files(application: Application, facts: Facts, found: Closure) -> dict[str, bytes]:
    """Everything that is generated, in the order a reader would open it."""
    names, service = facts.names, facts.loaded.name
    tops = frozenset(top.removesuffix(".py") for top in facts.tops)
    imports = Imports(names.support, tops)
    signed = signatures(facts.loaded.contract, application.sources, imports)
    assert facts.loaded.implementation is not None
    files = {
        "README.md": readme(facts),
        "pyproject.toml": pyproject(facts),
        "Dockerfile": template("project/Dockerfile").replace("$app", names.app),
        ".gitignore": template("project/gitignore"),
        f"{names.app}/__init__.py": f'"""The service {service}, as a process."""\n',
        f"{names.app}/__main__.py": '"""`python -m ' + names.app + '`."""\n\nfrom .main import run\n\nrun()\n',
        f"{names.app}/main.py": main_module(facts),
        f"{names.app}/routes.py": routes_module(
            service, facts.loaded.contract, signed, facts.loaded.implementation, imports, names
        ),
    }
    if facts.neighbours:
        files[f"{names.app}/clients/__init__.py"] = '"""The services that this one calls."""\n'
    for neighbour in facts.neighbours:
        imports = Imports(names.support, tops)
        signed = signatures(neighbour.info, application.sources, imports)
        text = client_module(neighbour.service, neighbour.info, signed, imports, names.support)
        files[f"{names.app}/clients/{identifier(neighbour.service)}.py"] = text
    files["tests/test_service.py"] = test_module(facts)
    store = "store/postgres.py" if facts.dialect == "postgres" else "store/sqlite.py"
    support = [
        *SUPPORT,
        *(["calls.py"] if facts.neighbours else []),
        *STORE,
        *([store] if facts.has_store else []),
    ]
    files |= {f"{names.support}/{name}": template(f"support/{name}") for name in support}
    return {f"{names.app}/openapi.json": document(facts)} | {path: text.encode() for path, text in files.items()}


def _data(application: Application, service: str, loaded: LoadedService, facts: Facts) -> dict[str, bytes]:
    """Schema files of the one database, and whatever else lies in the service's package."""
    files: dict[str, bytes] = {}
    if facts.schema:
        dialect = next(d for d in DIALECTS if d == facts.dialect)
        for file in load_schema(loaded.folder / "schema", dialect):
            files[f"{facts.schema}/{SchemaFile(file.name, '').step}"] = file.sql.encode()
    module = application.sources.get(loaded.module)
    if module is None or not module.is_package:
        return files
    base = loaded.module.replace(".", "/")
    for path in sorted(loaded.folder.rglob("*")):
        parts = path.relative_to(loaded.folder).parts
        if path.is_file() and path.suffix not in (".py", ".pyc") and parts[0] not in ("schema", "tests", "__pycache__"):
            files[str(Path(base, *parts))] = path.read_bytes()
    return files
