"""The `calve` command: a group whose commands are imported when they are called."""

from __future__ import annotations

import importlib
from typing import NamedTuple

import click

from .. import __version__
from ..core.suggest import did_you_mean


class Entry(NamedTuple):
    """Where a command lives and what `calve --help` says of it: the first sentence of its own help; a test compares."""

    module: str
    """In this package; has the command as `command`."""
    help: str


COMMANDS = {
    "call": Entry("call", "Call an operation of the running application."),
    "contract": Entry("contract", "Show what services promise."),
    "new": Entry("new", "Make a project with one service, its database and its tests."),
    "run": Entry("run", "Run the services of a project, or one unit of them."),
    "topology": Entry("topology", "Show and check units, services, stores and ports."),
}


class LazyGroup(click.Group):
    """Knows its commands from a table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f".{COMMANDS[cmd_name].module}", __package__).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the arguments start with. Raises click.UsageError: none; with near misses."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"no command {args[0]!r}; {did_you_mean(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, from the table instead of the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="calve")
def calve() -> None:
    """Write services once, run them as one process or as many."""
