"""`calve contract lock`: write down what services promise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import config_option

if TYPE_CHECKING:
    from ..runtime import AppConfig
    from .contract_locks import Checked


@click.command("lock")
@click.argument("services", metavar="[SERVICE]...", nargs=-1)
@config_option
@click.option("--allow-breaking", is_flag=True, help="Lock breaking changes without a new major version, too.")
def command(services: tuple[str, ...], config: Path | None, allow_breaking: bool) -> int:
    """Write down what services promise, one lock file per contract.

    The files are contracts/SERVICE.lock.json beside calve.toml, and belong under version control. Refuses, and writes
    nothing, when a lock there promises what the code would break, unless the contract's major version is a new one.
    """
    from .contract_locks import check_locks, choose, consumers
    from .contract_report import as_lines
    from .project import load_project

    project = load_project(config)
    checked = check_locks(project, choose(project, services), all_services=not services)
    refused = [] if allow_breaking else [c for c in checked if c.state in ("breaking", "removed")]
    if refused:
        known = consumers(project)
        for one in refused:
            click.echo("\n".join(as_lines(one, known.get(one.service, ()))))
        click.echo("nothing was written; --allow-breaking locks it as it is")
        return 1
    for one in checked:
        click.echo(_write(project, one))
    return 0


def _write(project: AppConfig, checked: Checked) -> str:
    from ..contract.lock import lock_name, write_lock
    from ..core.errors import ConfigError

    path, shown = project.root / lock_name(checked.service), lock_name(checked.service)
    try:
        if checked.new is None:
            path.unlink()
            return f"{shown}: removed"
        path.parent.mkdir(exist_ok=True)
        if checked.state == "current":
            return f"{shown}: as it was"
        path.write_text(write_lock(checked.new), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=shown) from error
    count = len(checked.findings)
    changes = f", {count} change{'s' if count > 1 else ''}" if count else ""
    return f"{shown}: {checked.new.contract} {checked.new.version}{changes}"
