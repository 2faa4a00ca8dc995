"""`calve catalog`: the services of a project, who owns them and who calls whom, as a page or as data."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .options import config_option


@click.command("catalog")
@config_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "json"]),
    default="markdown",
    show_default=True,
    help="A page with a Mermaid map, or data for tools.",
)
@click.option("--output", "-o", type=click.Path(path_type=Path), help="File to write; else standard output.")
def command(config: Path | None, form: str, output: Path | None) -> None:
    """List services with owners, operations, stores, units and calls.

    Imports contracts, and reads the rest without importing it.
    """
    from ..boundaries.catalog import catalog
    from ..boundaries.markdown import markdown
    from ..core.errors import ConfigError
    from .project import load_contracts, load_project, load_remote_contracts

    project = load_project(config)
    contracts = dict(load_contracts(project)) | load_remote_contracts(project)
    catalogue = catalog(project, contracts)
    text = json.dumps(catalogue, indent=2, ensure_ascii=False) + "\n" if form == "json" else markdown(catalogue)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {output}: {error.strerror}", where="--output") from error
