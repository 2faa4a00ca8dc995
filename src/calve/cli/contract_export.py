"""`calve contract export`: contracts as other tools and other languages want them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..core.errors import ConfigError
from .options import config_option

if TYPE_CHECKING:
    from ..runtime import AppConfig

FILES = {
    "asyncapi": "asyncapi.json",
    "jsonschema": "{service}.schema.json",
    "openapi": "openapi.json",
    "proto": "{service}.proto",
    "python": "{service}_client.py",
    "typescript": "{service}.ts",
}


@click.command("export")
@click.argument("services", metavar="[SERVICE]...", nargs=-1)
@config_option
@click.option("--format", "form", type=click.Choice(sorted(FILES)), required=True, help="What to write.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write files into this folder instead of printing.",
)
def command(services: tuple[str, ...], config: Path | None, form: str, output: Path | None) -> None:
    """Write contracts for other tools and other languages.

    asyncapi and openapi are one document for the named services, or all; the others are a file per service. Field
    numbers of .proto files are those of the locks.
    """
    from .contract_locks import choose
    from .project import load_project

    project = load_project(config)
    texts = _texts(project, choose(project, services), form)
    if output is None:
        if len(texts) > 1:
            raise ConfigError(f"{form} is a file per service", fix="name one service, or a folder with --output")
        click.echo(next(iter(texts.values())), nl=False)
        return
    for name, text in texts.items():
        try:
            output.mkdir(parents=True, exist_ok=True)
            (output / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"cannot be written: {error.strerror}", where=str(output / name)) from error
        click.echo(str(output / name))


def _texts(project: AppConfig, services: list[str], form: str) -> dict[str, str]:
    """What to write, by name of the file."""
    if form in ("proto", "python", "typescript"):
        from ..contract import exports
        from .contract_locks import describe_project

        write = {"proto": exports.proto, "python": exports.python, "typescript": exports.typescript}[form]
        described = describe_project(project, services)
        return {FILES[form].format(service=name): write(one) for name, one in described.items()}
    from .project import load_contracts

    contracts = [pair for name in services for pair in load_contracts(project, name)]
    title, version = project.app.name, project.app.version
    if form == "jsonschema":
        from ..contract.schema import json_schema

        return {FILES[form].format(service=name): _json(json_schema(info)) for name, info in contracts}
    if form == "openapi":
        from ..contract.openapi import openapi

        return {FILES[form]: _json(openapi(contracts, title=title, version=version))}
    from ..contract.exports import asyncapi

    return {FILES[form]: _json(asyncapi(contracts, title=title, version=version))}


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
