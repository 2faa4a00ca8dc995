"""`calve audit`: read a monolith, and say whether to split it; `calve audit trace …` is imported when it is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..core.errors import ConfigError
from ..core.suggest import did_you_mean
from .group import Entry, LazyGroup

if TYPE_CHECKING:
    from ..audit.findings import AuditOptions, Findings, Progress
    from ..audit.report.baseline import Comparison
    from ..audit.report.document import Document

COMMANDS = {"trace": Entry("audit_trace", "Record which tables transactions and requests touch while COMMAND runs.")}
TO = click.Path(path_type=Path, dir_okay=False)
INTO = click.Path(path_type=Path, file_okay=False)
STDOUT = Path("-")
COLUMNS = 100
"""Width of what is printed where nobody says otherwise: into a pipe or a file."""


class AuditGroup(LazyGroup):
    """A command of its own, `calve audit PATH`, unless the first argument is one of its commands."""

    allow_extra_args = False
    allow_interspersed_args = True

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse for this command, or for the one that the arguments start with."""
        if args and args[0] in self._table:
            name, *rest = args
            inner = self.get_command(click.Context(self, parent, info_name), name)
            assert inner is not None
            return inner.make_context(f"{info_name} {name}", rest, parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As a plain command."""
        return click.Command.parse_args(self, ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """As a plain command."""
        return click.Command.invoke(self, ctx)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """As a plain command."""
        return click.Command.collect_usage_pieces(self, ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Options, and commands if there are any."""
        click.Command.format_options(self, ctx, formatter)
        if self._table:
            self.format_commands(ctx, formatter)


def _checks(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """The names of `--fail-on`, which are divided by commas."""
    if value is None:
        return ()
    from ..audit.report.baseline import CHECKS

    names = tuple(name.strip() for name in value.split(","))
    for name in names:
        if name not in CHECKS:
            raise click.BadParameter(f"no check {name!r}; {did_you_mean(name, CHECKS)}")
    return names


@click.group("audit", cls=AuditGroup, table=COMMANDS, invoke_without_command=True)
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option(
    "--config",
    "-c",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A calve.toml with [audit]; else that in PATH.",
)
@click.option(
    "--answers",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What `calve assess` wrote; else calve-assess.toml in PATH.",
)
@click.option("--trace", type=TO, metavar="FILE", help="What `calve audit trace` kept; else PATH/.calve/trace.json.")
@click.option("--json", "json_to", type=TO, metavar="FILE", help="Write all that was found as JSON; - prints it.")
@click.option("--html", "html_to", type=TO, metavar="FILE", help="Write a report for people as one file; - prints it.")
@click.option("--contracts", "contracts_to", type=TO, metavar="FILE", help="Freeze the boundaries, for import-linter.")
@click.option("--baseline", type=TO, metavar="FILE", help="Compare with what an earlier --json wrote.")
@click.option(
    "--fail-on",
    metavar="CHECKS",
    callback=_checks,
    help="End with 1 when there is any since the baseline: new-cross-edge,new-shared-table.",
)
@click.option("--scaffold", metavar="CANDIDATE", help="Draft its contract and a plan to take it out; needs --into.")
@click.option("--into", type=INTO, metavar="FOLDER", help="Where --scaffold writes: outside of PATH.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
@click.option("--no-cache", is_flag=True, help="Read every file again, and keep nothing for the next audit.")
def command(
    path: Path,
    config: Path | None,
    answers: Path | None,
    trace: Path | None,
    json_to: Path | None,
    html_to: Path | None,
    contracts_to: Path | None,
    baseline: Path | None,
    fail_on: tuple[str, ...],
    scaffold: str | None,
    into: Path | None,
    quiet: bool,
    no_cache: bool,
) -> int:
    """Read a monolith, price each cut, and say whether to cut at all.

    PATH is the folder of a project, the current one by default. Nothing of it is imported or run.
    """
    import msgspec

    from ..audit.options import read_options
    from ..audit.report.baseline import compare, read_baseline
    from ..audit.report.build import build
    from ..audit.report.contracts import contracts
    from ..audit.report.document import encode
    from ..audit.report.html import render

    _fitting(path, baseline, fail_on, scaffold, into)
    before = None if baseline is None else read_baseline(baseline)
    options = msgspec.structs.replace(read_options(path, config=config, answers=answers), trace=trace)
    found = run_audit(path, options, cache=not no_cache, quiet=quiet)
    document = build(found, options)
    if json_to is not None:
        _write(json_to, encode(document))
    if html_to is not None:
        _write(html_to, render(document).encode())
    if contracts_to is not None:
        _write(contracts_to, contracts(found).encode())
    comparison = None if before is None else compare(before, document)
    if scaffold is not None and into is not None:
        _scaffold(found, scaffold, into, quiet)
    elif not quiet and STDOUT not in (json_to, html_to, contracts_to):
        _show(document, comparison)
    failing = [new for new in comparison.new if new.check in fail_on] if comparison is not None else []
    for new in failing:
        click.echo(f"{new.path}:{new.line}: {new.check}: {new.what}", err=True)
    return 1 if failing else 0


def _fitting(
    path: Path, baseline: Path | None, fail_on: tuple[str, ...], scaffold: str | None, into: Path | None
) -> None:
    """Raises: click.UsageError: options that need each other, and one of them is missing."""
    if fail_on and baseline is None:
        raise click.UsageError("--fail-on needs --baseline: what is new depends on what was there")
    if (scaffold is None) != (into is None):
        raise click.UsageError("--scaffold and --into need each other: what to draft, and where")
    if into is not None and into.resolve().is_relative_to(path.resolve()):
        raise click.UsageError(f"--into {into} is inside of {path}: the next audit would read it")


def _scaffold(found: Findings, name: str, into: Path, quiet: bool) -> None:
    from ..audit.scaffold import write_scaffold

    written = write_scaffold(found, name, into)
    if not quiet:
        click.echo("\n".join(f"  {into / path}" for path in written))


def _show(document: Document, comparison: Comparison | None) -> None:
    from rich.console import Console

    from ..audit.report.screen import show, show_comparison

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else COLUMNS
    console = Console(width=width, highlight=False)
    show(document, console)
    if comparison is not None:
        show_comparison(comparison, console)


def _write(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all.

    Raises: ConfigError: it cannot be written.
    """
    if path == STDOUT:
        click.echo(data, nl=False)
        return
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_bytes(data)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}", fix="name a file in a folder that exists"
        ) from error


def run_audit(path: Path, options: AuditOptions, *, cache: bool, quiet: bool) -> Findings:
    """Audit, with a progress bar on standard error where that is a terminal.

    Raises: ConfigError: there is no Python at `path`, or the extra `calve[audit]` is not installed.
    """
    import msgspec

    from ..audit.findings import audit

    try:
        with _progress(quiet) as progress:
            return audit(path, msgspec.structs.replace(options, cache=cache), progress)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("networkx", "tree_sitter", "tree_sitter_python"):
            raise
        raise ConfigError(f"{error.name} is not installed", fix="run pip install 'calve[audit]'") from error


@contextmanager
def _progress(quiet: bool) -> Iterator[Progress]:
    """A bar that goes away when it is done; nothing where nobody watches."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda step, done, count: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda step, done, count: bar.update(task, description=step, completed=done, total=count or None)
