"""`calve contract …`: what services promise. `show` is here; the others are imported when they are called."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .group import Entry, LazyGroup
from .options import config_option

if TYPE_CHECKING:
    from ..contract import ContractInfo, Operation


COMMANDS = {
    "can-deploy": Entry("contract_can_deploy", "Tell whether UNIT, as it is in code, fits what is live."),
    "check": Entry("contract_check", "Find what breaks a contract, by its lock or another git revision."),
    "export": Entry("contract_export", "Write contracts for other tools and other languages."),
    "lock": Entry("contract_lock", "Write down what services promise, one lock file per contract."),
    "snapshot": Entry("contract_snapshot", "Note which contracts units provide and consume, by the code at hand."),
}


@click.group("contract", cls=LazyGroup, table=COMMANDS)
def command() -> None:
    """Show, keep and export what services promise."""


@command.command()
@click.argument("service", required=False)
@config_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "openapi", "jsonschema"]),
    default="text",
    show_default=True,
    help="text for people; an OpenAPI 3.1 or a JSON Schema document for tools.",
)
def show(service: str | None, config: Path | None, form: str) -> None:
    """Show the contract of SERVICE, or of all services.

    Imports contracts only, never an implementation.
    """
    from .project import load_contracts, load_project

    project = load_project(config)
    contracts = load_contracts(project, service)
    if form == "openapi":
        from ..contract.openapi import openapi

        _print(openapi(contracts, title=project.app.name, version=project.app.version))
    elif form == "jsonschema":
        from ..contract.schema import json_schema

        _print({name: json_schema(info) for name, info in contracts})
    else:
        click.echo("\n\n".join("\n".join(_text(name, info)) for name, info in contracts))


def _print(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _text(service: str, info: ContractInfo) -> Iterator[str]:
    yield f"{service}: {info.name} {info.version}" + (f"  {info.doc.splitlines()[0]}" if info.doc else "")
    for operation in info.operations.values():
        yield f"  {operation.kind} {_signature(operation)}"
        if operation.http:
            yield f"      http     {operation.http.method} {operation.http.path} -> {operation.http.status}"
        if operation.raises:
            yield f"      raises   {', '.join(f'{e.__name__} ({e.status})' for e in operation.raises)}"
        if operation.role:
            yield f"      role     {operation.role}"
        yield f"      timeout  {operation.timeout_seconds:g} s"
    for event in info.publishes:
        yield f"  event {event.__name__}"


def _signature(operation: Operation) -> str:
    import msgspec

    params = []
    for field in msgspec.structs.fields(operation.request):
        text = f"{field.name}: {type_name(field.type)}"
        params.append(text if field.required else f"{text} = {field.default!r}")
    answer = type_name(operation.response)
    return f"{operation.name}({', '.join(params)}) -> {f'stream of {answer}' if operation.streaming else answer}"


def type_name(kind: Any) -> str:
    """A type as its author wrote it, without modules."""
    from typing import Annotated, get_args, get_origin

    if kind is None or kind is type(None):
        return "None"
    if get_origin(kind) is Annotated:
        return type_name(get_args(kind)[0])
    arguments = get_args(kind)
    if not arguments:
        return getattr(kind, "__name__", str(kind)) if kind is not Ellipsis else "..."
    origin = get_origin(kind)
    if getattr(origin, "__name__", "") in ("Union", "UnionType"):
        return " | ".join(type_name(a) for a in arguments)
    if getattr(origin, "__name__", str(origin)) == "Literal":
        return f"Literal[{', '.join(map(repr, arguments))}]"
    return f"{getattr(origin, '__name__', str(origin))}[{', '.join(type_name(a) for a in arguments)}]"
