"""`calve eject SERVICE`: a service as a project without Calve."""

from __future__ import annotations

from pathlib import Path

import click

from ..core.errors import ConfigError
from .options import config_option


@click.command("eject")
@click.argument("service")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where to; ejected/SERVICE by default.",
)
@click.option("--force", is_flag=True, help="Write into a folder that is not empty; files of other names stay.")
@config_option
def command(service: str, output: Path | None, force: bool, config: Path | None) -> None:
    """Write a service as a plain project without Calve.

    The project has the same REST contract, on Starlette, msgspec and plain SQL: the service's own code with its imports
    rewritten, a handler per operation, clients of the services it calls, its schema files. Nothing of yours is changed.
    What has no counterpart outside of Calve is refused before anything is written.
    """
    from ..eject import EjectRefused, eject, write
    from .project import load_project

    project = load_project(config)
    folder = output or Path("ejected", service)
    _check_folder(folder, project.root)
    try:
        ejected = eject(project, service, lambda line: click.echo(f"{line} …", err=True))
    except EjectRefused as refused:
        for refusal in refused.refusals[1:]:
            click.echo(str(refusal), err=True)
        raise
    written = write(ejected, folder, force=force)
    for path in ejected.carried:
        click.echo(f"  {folder / path}")
    others = len(written) - len(ejected.carried)
    click.echo(f"{service}: {len(ejected.carried)} modules carried over, {others} other files, in {folder}")
    for note in ejected.notes:
        click.echo(f"note: {note}")
    start = f"{ejected.command}        # README.md lists its settings"
    click.echo(f"\nNext:\n  cd {folder}\n  pip install -e '.[dev]'\n  {start}")


def _check_folder(folder: Path, root: Path) -> None:
    """Refuse to write over the project itself."""
    place = folder.absolute().resolve()
    if root.resolve().is_relative_to(place):
        raise ConfigError(f"{folder} is where this project is", fix="name a folder of its own")
