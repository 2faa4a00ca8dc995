"""`calve new NAME`: a project to start from."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("new")
@click.argument("folder", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Make a project with one service, its database and its tests.

    FOLDER is created; its last part is the project's name.
    """
    from .scaffold import create_project

    for path in create_project(folder.absolute()):
        click.echo(f"  {folder / path}")
    click.echo(f"\nNext:\n  cd {folder}\n  calve run        # http://127.0.0.1:8000/docs\n  pytest")
