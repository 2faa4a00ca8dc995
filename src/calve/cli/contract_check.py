"""`calve contract check`: code against locks, or against another revision."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .options import config_option

BREAKS, OUT_OF_DATE = 1, 3


@click.command("check")
@click.argument("services", metavar="[SERVICE]...", nargs=-1)
@config_option
@click.option("--against", metavar="REV", help="Compare with the locks of a git revision instead of those on disk.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(services: tuple[str, ...], config: Path | None, against: str | None, as_json: bool) -> int:
    """Find what breaks a contract, by its lock or another git revision.

    Every breaking change is named with who notices, which services consume the contract, and how it could be
    compatible. Ends with 0 when nothing changed, 1 when something breaks that no new major version declares, 3 when
    all is compatible but a lock is missing or out of date (`calve contract lock` writes it), 2 when a lock or an
    argument is wrong. With --against, compatible changes end with 0.
    """
    from .contract_locks import check_locks, check_revision, choose, consumers
    from .contract_report import as_data, as_lines
    from .project import load_project

    project = load_project(config)
    chosen = choose(project, services)
    if against is None:
        checked = check_locks(project, chosen, all_services=not services)
    else:
        checked = check_revision(project, chosen, against, all_services=not services)
    broken = [c for c in checked if any(f.level == "breaking" for f in c.findings)]
    known = consumers(project) if broken else {}
    if as_json:
        click.echo(json.dumps(as_data(checked, known), indent=2))
    else:
        for one in checked:
            click.echo("\n".join(as_lines(one, known.get(one.service, ()))))
    if any(c.state in ("breaking", "removed") for c in checked):
        return BREAKS
    if against is None and any(c.state != "current" for c in checked):
        if not as_json:
            click.echo("run `calve contract lock` and commit what it writes")
        return OUT_OF_DATE
    return 0
