"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

config_option = click.option(
    "--config",
    "-c",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The project's calve.toml; else what CALVE_CONFIG names, else the nearest one from here upwards.",
)
