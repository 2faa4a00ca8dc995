"""`calve run`: supervise the units of a topology, or be one of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click

from ..core.errors import ConfigError
from ..runtime.config import AppConfig, load_config
from ..runtime.notify import Notice, Notifier
from ..runtime.plan import ServiceFacts, make_plan
from ..runtime.topology import Topology
from .options import config_option


@click.command("run")
@config_option
@click.option("--topology", "-t", metavar="NAME", help="Which units to run; else what [run] topology names.")
@click.option("--unit", "-u", metavar="NAME", help="Run this unit alone, in this process, as a container does.")
@click.pass_context
def command(ctx: click.Context, config: Path | None, topology: str | None, unit: str | None) -> None:
    """Run the services of a project, or one unit of them.

    Without --unit, every unit of the topology becomes a process. They start in the order of their dependencies, are
    restarted when they die, and stop in reverse order on Ctrl-C or SIGTERM, when calls in flight may finish; a second
    Ctrl-C kills them.
    """
    try:
        project = load_config(config)
    except ConfigError as error:
        if unit is None or not _told(error):
            raise
        ctx.exit(error.exit_code)
    if unit is not None:
        ctx.exit(_unit(project, project.topology_of_unit(unit, topology), unit))
    from ..runtime.supervisor import supervise

    chosen = project.topology(topology)
    facts = _facts(project) if _needs_facts(project, chosen) else None
    ctx.exit(supervise(project, make_plan(project, chosen, facts)))


def _unit(project: AppConfig, topology: Topology, unit: str) -> int:
    from ..bootstrap import build_unit
    from ..runtime.unit import run_unit

    return run_unit(project, topology, unit, build_unit)


def _told(error: ConfigError) -> bool:
    """Whether there is a supervisor, which then knows what is wrong and says it."""
    notifier = Notifier.take(os.environ)
    notifier.send(Notice("failed", str(error)))
    return notifier.supervised


def _needs_facts(project: AppConfig, topology: Topology) -> bool:
    """One process needs no order, and checks its services itself when it starts."""
    return len(topology.units) > 1 or project.units[topology.units[0].name].replicas > 1


def _facts(project: AppConfig) -> dict[str, ServiceFacts]:
    """What `calve topology` finds out, asked in another process so that the supervisor does not import the services."""
    asked = subprocess.run(
        [sys.executable, "-m", "calve", "topology", "--json", "--config", str(project.file.path)],
        stdout=subprocess.PIPE,
        check=False,
    )
    if asked.returncode != 0:  # its own line on standard error says why
        raise click.exceptions.Exit(asked.returncode)
    services = json.loads(asked.stdout)["services"]
    return {
        name: ServiceFacts(facts["contract"], frozenset(facts["needs"]), facts["store"] is not None)
        for name, facts in services.items()
    }
