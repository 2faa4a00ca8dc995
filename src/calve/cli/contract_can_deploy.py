"""`calve contract can-deploy UNIT --to FILE`: whether a unit fits what is live."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import config_option

if TYPE_CHECKING:
    from ..contract.lock.deploy import Fit

SIDES = {"caller": "called by", "callee": "calls", "others": "REST, events"}


@click.command("can-deploy")
@click.argument("unit")
@config_option
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="What is live, as `calve contract snapshot` writes it.",
)
@click.option("--topology", metavar="NAME", help="The topology that has the unit, if several have.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(unit: str, config: Path | None, to: Path, topology: str | None, as_json: bool) -> int:
    """Tell whether UNIT, as it is in code, fits what is live.

    Everyone live who calls a service of the unit has to understand it, and everything that the unit calls has to be
    there in a version that has what it was built for. Ends with 0 when the unit may be deployed, 1 when not.
    """
    from ..contract.lock.deploy import fits
    from .contract_units import load_snapshot, unit_contracts
    from .project import load_project

    project = load_project(config)
    services = project.topology_of_unit(unit, topology).unit(unit).services
    live = load_snapshot(to)
    found = list(fits(unit, unit_contracts(project, {unit: services})[unit], live))
    fine = not any(fit.findings for fit in found)
    if as_json:
        click.echo(json.dumps({"unit": unit, "can_deploy": fine, "checks": [_data(fit) for fit in found]}, indent=2))
    else:
        _print(unit, to, found, fine)
    return 0 if fine else 1


def _data(fit: Fit) -> dict[str, Any]:
    findings = [{n: getattr(f, n) for n in ("rule", "path", "what", "who", "fix")} for f in fit.findings]
    names = ("service", "side", "unit", "ours", "theirs")
    return {**{name: getattr(fit, name) for name in names}, "fits": not fit.findings, "findings": findings}


def _print(unit: str, to: Path, found: Sequence[Fit], fine: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("contract", "side", "live unit", "live", "this", "", title=f"{unit} among what {to} has")
    for fit in found:
        verdict = "does not fit" if fit.findings else "fits"
        table.add_row(fit.service, SIDES[fit.side], fit.unit or "-", fit.theirs or "-", fit.ours or "-", verdict)
    if found:
        Console().print(table)
    for fit in found:
        for finding in fit.findings:
            click.echo(f"{fit.service}, {SIDES[fit.side]} {fit.unit or 'nobody'}: {finding.path} {finding.what}")
            if finding.fix:
                click.echo(f"    {finding.fix}")
    click.echo(f"{unit} {'can' if fine else 'cannot'} be deployed")
