"""The `calve` command: a group whose commands are imported when they are called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import click

from .. import __version__
from ..core.suggest import did_you_mean


class Entry(NamedTuple):
    """Where a command lives and what `calve --help` says of it: the first sentence of its own help; a test compares."""

    module: str
    """In this package; has the command as `command`."""
    help: str


COMMANDS = {
    "assess": Entry("assess", "Ask what no file says about splitting, and give a verdict."),
    "audit": Entry("audit", "Read a monolith, price each cut, and say whether to cut at all."),
    "call": Entry("call", "Call an operation of the running application."),
    "catalog": Entry("catalog", "List services with owners, operations, stores, units and calls."),
    "check": Entry("check", "Check that services keep to their boundaries."),
    "contract": Entry("contract", "Show, keep and export what services promise."),
    "eject": Entry("eject", "Write a service as a plain project without Calve."),
    "events": Entry("events", "Show what services tell each other, and mend what is parked."),
    "new": Entry("new", "Make a project with one service, its database and its tests."),
    "policy": Entry("policy", "Show which resilience policy holds for calls, and who says so."),
    "ps": Entry("ps", "Show the processes of the running application."),
    "rollout": Entry("rollout", "Replace the processes of units by new ones, without a failed call."),
    "run": Entry("run", "Run the services of a project, or one unit of them."),
    "scale": Entry("scale", "Change how many replicas of a unit run."),
    "store": Entry("store", "Prepare the databases of services."),
    "topology": Entry("topology", "Show and check units, services, stores and ports."),
}


class LazyGroup(click.Group):
    """Knows its commands from a table.

    Args:
        table: Commands by name; those registered in the usual way come on top.
    """

    def __init__(self, *args: Any, table: Mapping[str, Entry] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table: Mapping[str, Entry] = COMMANDS if table is None else table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, sorted."""
        return sorted({*self._table, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None when there is none of that name."""
        if cmd_name not in self._table:
            return super().get_command(ctx, cmd_name)
        command: click.Command = importlib.import_module(f".{self._table[cmd_name].module}", __package__).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments start with. Raises click.UsageError: none; with near misses."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-"):
            raise click.UsageError(f"no command {args[0]!r}; {did_you_mean(args[0], known)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, from the table instead of the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._help(ctx, name)) for name in self.list_commands(ctx)])

    def _help(self, ctx: click.Context, name: str) -> str:
        if name in self._table:
            return self._table[name].help
        command = self.get_command(ctx, name)
        return command.get_short_help_str(limit=100) if command else ""


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="calve")
def calve() -> None:
    """Write services once, run them as one process or as many."""
