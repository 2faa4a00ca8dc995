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
             "http_port": 8001, "processes": ["money"]}]}}}

    Units are in the order in which they start; `store` is null for a service without one, `package` for one that is an
    adopted application.
    """
    services = {
        name: {
            "package": project.services.get(name),
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
        entry = {
            "name": name,
            "services": list(process.unit.services),
            "needs": sorted(needs[name]),
            "http_port": process.http_port,
            "processes": [],
        }
        units.setdefault(name, entry)["processes"].append(process.name)
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
    for topology, plan in plans.items():
        default = " (default)" if topology == project.run.topology else ""
        table = Table(
            "unit", "services", "calls units", "http", title=f"topology {topology}{default}, in order of start"
        )
        for unit in _units(plan, facts):
            port = f"{unit['http_port'] or 'any'}{' (edge)' if plan.edge in unit['processes'] else ''}"
            replicas = len(unit["processes"])
            name = unit["name"] if replicas == 1 else f"{unit['name']} x{replicas}"
            table.add_row(name, ", ".join(unit["services"]), ", ".join(unit["needs"]) or "-", port)
        console.print(table)


def _shown_store(project: AppConfig, service: str) -> str:
    """As in calve.toml, with the service filled in: short, and the same on every machine."""
    return project.store_template(service).replace("{service}", service)
