"""`calve rollout`: new processes for the units of the running application."""

from __future__ import annotations

import os
from pathlib import Path

import click

from .options import config_option
from .supervised import follow


@click.command("rollout")
@click.argument("units", metavar="[UNIT]...", nargs=-1)
@config_option
@click.option("--env", "-e", "variables", metavar="NAME[=VALUE]", multiple=True, help="Give new processes a variable.")
@click.option("--watch", is_flag=True, help="Begin nothing: show what is under way, or was done last.")
def command(units: tuple[str, ...], config: Path | None, variables: tuple[str, ...], watch: bool) -> None:
    """Replace the processes of units by new ones, without a failed call.

    All units when none is named, in the order of their dependencies; one process after the other. A new process runs
    the code and the calve.toml of now, is waited for until it is ready, and watched for a moment; then its predecessor
    finishes its calls. When a new process is sick, its unit goes back to the processes it had, and the exit code is 1.

    A variable without a value is taken from the environment of this command. New processes keep it, and so do those
    that replace them.
    """
    if watch:
        if units or variables:
            raise click.UsageError("--watch takes no units and no variables")
        follow(config, "watch")
    else:
        follow(config, "rollout", units=units, environ=dict(map(_variable, variables)))


def _variable(text: str) -> tuple[str, str]:
    name, given, value = text.partition("=")
    if not name:
        raise click.BadParameter(f"{text!r} names no variable", param_hint="--env")
    if not given and name not in os.environ:
        raise click.BadParameter(f"{name} is not set here; write {name}=VALUE", param_hint="--env")
    return name, value if given else os.environ[name]
