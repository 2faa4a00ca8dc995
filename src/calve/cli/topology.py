"""`calve topology`: what runs where, and whether it can."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..runtime.config import AppConfig
from ..runtime.plan import Plan, ServiceFacts, make_plan, unit_needs
from .options import config_option
from .project import load_project


@click.command("topology")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def command(config: Path | None, as_json: bool) -> None:
    """Show and check units, services, stores and ports.

    Imports the services, so it also finds dependencies that nothing satisfies. Nothing is started.
    """
    from ..bootstrap import describe_services

    project = load_project(config)
    facts = describe_services(project)
    plans = {name: make_plan(project, chosen, facts) for name, chosen in project.topologies.items()}
    if as_json:
        click.echo(json.dumps(as_data(project, facts, plans), indent=2))
    else:
        _print(project, facts, plans)


def as_data(project: AppConfig, facts: Mapping[str, ServiceFacts], plans: Mapping[str, Plan]) -> dict[str, Any]:
    """Everything the command knows.

        {"app": "shop",
         "services": {"wallet": {
             "package": "shop.wallet", "contract": "Wallet 1.0", "needs": [], "store": "sqlite:///…"}},
         "topologies": {"split": {"edge": "front", "units": [{
             "name": "money", "services": ["wallet"], "needs": [],
             "processes": [{"name": "money", "http_port": 8001}]}]}}}

    Units are in the order in which they start; `store` is null for a service without one.
    """
    services = {
        name: {
            "package": project.services[name],
            "contract": fact.contract,
            "needs": sorted(fact.needs),
            "store": project.store_url(name) if fact.stores else None,
        }
        for name, fact in facts.items()
    }
    topologies = {name: {"edge": plan.edge, "units": _units(plan, facts)} for name, plan in plans.items()}
    return {"app": project.app.name, "services": services, "topologies": topologies}


def _units(plan: Plan, facts: Mapping[str, ServiceFacts]) -> list[dict[str, Any]]:
    needs = unit_needs(plan.topology, facts)
    units: dict[str, dict[str, Any]] = {}
    for process in plan.processes:
        name = process.unit.name
        entry = {"name": name, "services": list(process.unit.services), "needs": sorted(needs[name]), "processes": []}
        units.setdefault(name, entry)["processes"].append({"name": process.name, "http_port": process.http_port})
    return list(units.values())


def _print(project: AppConfig, facts: Mapping[str, ServiceFacts], plans: Mapping[str, Plan]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    services = Table("service", "contract", "calls", "store", title=f"services of {project.app.name}")
    for name, fact in facts.items():
        store = _shown_store(project, name) if fact.stores else "-"
        services.add_row(name, fact.contract, ", ".join(sorted(fact.needs)) or "-", store)
    console.print(services)
    for name, plan in plans.items():
        default = " (default)" if name == project.run.topology else ""
        table = Table("unit", "services", "calls units", "http", title=f"topology {name}{default}, in order of start")
        for unit in _units(plan, facts):
            ports = ", ".join(
                f"{p['http_port'] or 'any'}{' (edge)' if p['name'] == plan.edge else ''}" for p in unit["processes"]
            )
            table.add_row(unit["name"], ", ".join(unit["services"]), ", ".join(unit["needs"]) or "-", ports)
        console.print(table)


def _shown_store(project: AppConfig, service: str) -> str:
    """As in calve.toml, with the service filled in: short, and the same on every machine."""
    return project.store.url.replace("{service}", service)
