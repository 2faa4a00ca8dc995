"""`calve scale`: more or fewer replicas of a unit."""

from __future__ import annotations

from pathlib import Path

import click

from .options import config_option
from .supervised import follow


@click.command("scale")
@click.argument("unit")
@click.argument("replicas", type=click.IntRange(1, 64))
@config_option
def command(unit: str, replicas: int, config: Path | None) -> None:
    """Change how many replicas of a unit run.

    New ones get calls once they are ready; those that go get no new ones and finish what they have. It lasts until the
    supervisor ends: `[unit.<name>] replicas` says how many it starts with.
    """
    follow(config, "scale", units=(unit,), replicas=replicas)
