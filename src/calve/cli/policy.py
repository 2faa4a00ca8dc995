"""`calve policy`: what callers do when calls fail, and who says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import config_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..bootstrap.policies import Policies, Said
    from ..contract import ContractInfo

Row = tuple[str, str, "Mapping[str, Said]"]
"""Operation, caller ('' for all others), and the policy that holds."""


@click.command("policy")
@click.argument("operation", required=False)
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def command(operation: str | None, config: Path | None, as_json: bool) -> None:
    """Show which resilience policy holds for calls, and who says so.

    OPERATION is `service` or `service.operation`; all of the project when not given. A caller with a table of its own
    in calve.toml has a line of its own. Imports contracts and fallbacks; nothing is started.
    """
    from ..bootstrap.policies import Policies
    from .project import load_contracts, load_project, load_remote_contracts

    project = load_project(config)
    contracts = dict(load_contracts(project)) | load_remote_contracts(project)
    rows = _rows(Policies(project, contracts), contracts, operation)
    if as_json:
        click.echo(json.dumps([_as_data(*row) for row in rows], indent=2))
    elif operation is not None and "." in operation:
        for row in rows:
            _print_one(*row)
    else:
        _print_all(rows)


def _rows(policies: Policies, contracts: Mapping[str, ContractInfo], wanted: str | None) -> list[Row]:
    from ..core.errors import ConfigError
    from ..core.suggest import did_you_mean

    every = [(service, operation) for service, info in contracts.items() for operation in info.operations.values()]
    chosen = [(s, o) for s, o in every if wanted in (None, s, f"{s}.{o.name}")]
    if not chosen:
        known = [*contracts, *(f"{service}.{operation.name}" for service, operation in every)]
        raise ConfigError(f"no operation {wanted!r}; {did_you_mean(wanted or '', known)}")
    return [
        (f"{service}.{operation.name}", caller, policies.explain(service, operation, caller))
        for service, operation in chosen
        for caller in ("", *policies.callers(service, operation.name))
    ]


def _as_data(name: str, caller: str, policy: Mapping[str, Said]) -> dict[str, Any]:
    fields = {field: {"value": _plain(said.value), "from": said.origin} for field, said in policy.items()}
    return {"operation": name, "caller": caller or None, "policy": fields}


def _plain(value: Any) -> Any:
    """As JSON has it; a fallback by its name, or as it is written in Python."""
    import msgspec

    if value is msgspec.UNSET:
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return getattr(value, "__name__", repr(value))


def _shown(value: Any) -> str:
    plain = _plain(value)
    return "-" if plain is None else f"{plain:g}" if isinstance(plain, float) else str(plain)


def _print_one(name: str, caller: str, policy: Mapping[str, Said]) -> None:
    from rich.console import Console
    from rich.table import Table

    click.echo(f"calls of {name}{f' by {caller}' if caller else ''}")
    table = Table("", "value", "from")
    for field, said in policy.items():
        table.add_row(field, _shown(said.value), said.origin)
    Console().print(table)


def _print_all(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    # Only the columns that say something, so that the names of operations fit into 80 characters.
    with_caller = any(caller for _, caller, _ in rows)
    with_fallback = any(policy["fallback"].value not in (None, _unset()) for *_, policy in rows)
    table = Table()
    table.add_column("operation", no_wrap=True)
    for heading in (
        *(["caller"] if with_caller else []),
        *("seconds", "attempts", "breaker", "in flight", "queue"),
        *(["fallback"] if with_fallback else []),
    ):
        table.add_column(heading)
    for name, caller, policy in rows:
        values = {field: said.value for field, said in policy.items()}
        calls = values["breaker_calls_min"]
        cells = [
            _shown(values["timeout_seconds"]),
            str(values["attempts_max"]),
            f"{values['breaker_failures']:.0%} of {calls}" if calls else "-",
            _shown(values["calls_max"] or None),
            _shown(values["queue_max"] if values["calls_max"] else None),
        ]
        front = [name, caller or "any"] if with_caller else [name]
        table.add_row(*front, *cells, *([_shown(values["fallback"])] if with_fallback else []))
    Console().print(table)


def _unset() -> Any:
    import msgspec

    return msgspec.UNSET
