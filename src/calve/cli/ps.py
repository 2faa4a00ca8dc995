"""`calve ps`: the processes of the running application."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from .options import config_option
from .supervised import status


@click.command("ps")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(config: Path | None, as_json: bool) -> None:
    """Show the processes of the running application.

    Asks the supervisor, `calve run`, which also says what state each replica is in, since when, and how often it has
    been restarted.
    """
    found = status(config)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    title = f"{found.app}, topology {found.topology}, supervised by process {found.pid}"
    table = Table("replica", "services", "process", "state", "for", "restarts", "http", title=title)
    for replica in found.replicas:
        table.add_row(
            replica.name,
            ", ".join(replica.services),
            str(replica.pid or "-"),
            replica.state,
            _shown(replica.seconds),
            str(replica.restarts),
            replica.http or "-",
        )
    Console().print(table)
    if found.job:
        click.echo(f"{found.job} is under way")


def _shown(seconds: float) -> str:
    """`42 s`, `7 min`, `3.5 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
