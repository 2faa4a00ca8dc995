"""`calve contract snapshot`: note which contracts are live."""

from __future__ import annotations

from pathlib import Path

import click

from .options import config_option


@click.command("snapshot")
@click.argument("units", metavar="[UNIT]...", nargs=-1)
@config_option
@click.option("--topology", metavar="NAME", help="The topology that has the units; else the default one.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to this file, and leave what it says of other units as it is; else print.",
)
def command(units: tuple[str, ...], config: Path | None, topology: str | None, output: Path | None) -> None:
    """Note which contracts units provide and consume, by the code at hand.

    Run it with the code that was deployed, right after deploying UNIT, or for all units of the topology. `calve
    contract can-deploy` reads the file.
    """
    from ..contract.lock.snapshot import write_snapshot
    from .contract_units import load_snapshot, save_snapshot, unit_contracts
    from .project import load_project

    project = load_project(config)
    chosen = project.topology(topology)
    wanted = [chosen.unit(name) for name in units] or list(chosen.units)
    found = unit_contracts(project, {unit.name: unit.services for unit in wanted})
    if output is None:
        click.echo(write_snapshot(found), nl=False)
        return
    kept = load_snapshot(output) if output.exists() and units else {}
    save_snapshot(output, {**kept, **found})
    for name, unit in found.items():
        provided = ", ".join(f"{service} {lock.version}" for service, lock in unit.provides.items())
        click.echo(f"{output}: {name} provides {provided or 'nothing'}")
