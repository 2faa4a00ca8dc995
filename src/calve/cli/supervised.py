"""What commands that speak to the supervisor share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from ..runtime.config import load_config
from ..runtime.control import Request, Status, ask


def status(config: Path | None) -> Status:
    """How the run of a project is. Raises ConfigError: nothing runs."""
    for answer in ask(load_config(config).root, Request("status")):
        if answer.status is not None:
            return answer.status
    raise AssertionError("a status is answered or refused")


def follow(config: Path | None, do: Literal["rollout", "scale", "watch"], **details: Any) -> None:
    """Ask for a job and show what it says until it is done. Raises CalveError: why it is not."""
    try:
        for answer in ask(load_config(config).root, Request(do, **details)):
            if answer.say is not None:
                click.echo(answer.say)
    except KeyboardInterrupt:
        click.echo("It goes on without you; `calve rollout --watch` shows it.", err=True)
        raise
