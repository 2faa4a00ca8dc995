"""`calve audit trace`: run the project's own tests, and record what they do to which tables."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command(
    "trace", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}, no_args_is_help=True
)
@click.option(
    "--path", type=click.Path(path_type=Path, file_okay=False, exists=True), default=".", help="The project's folder."
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where to keep the trace; .calve/trace.json in the project by default, where `calve audit` finds it.",
)
@click.argument("command_line", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
def command(path: Path, output: Path | None, command_line: tuple[str, ...]) -> int:
    """Record which tables transactions and requests touch while COMMAND runs, such as `-- pytest`.

    Runs the project's own code, as COMMAND does anyway. Django and SQLAlchemy are listened to in every Python process
    that COMMAND starts. Only names of tables, files and functions are kept, no values. Ends with COMMAND's exit code.
    """
    from ..audit.trace.file import DEFAULT_PATH, write_trace
    from ..audit.trace.run import record

    target = path / DEFAULT_PATH if output is None else output
    code, trace = record(command_line, path, os.environ)
    transactions = {(s.path, s.line, s.function) for s in trace.spans if s.kind == "transaction"}
    requests = {(s.path, s.line, s.function) for s in trace.spans if s.kind == "request"}
    if trace.spans:
        write_trace(target, trace)
        found = f"{_count(len(transactions), 'transaction')} and {_count(len(requests), 'kind')} of requests"
        found += f" in {trace.processes} process{'' if trace.processes == 1 else 'es'}"
        click.echo(f"calve: recorded {found}: {target}; next: calve audit {path}", err=True)
    else:
        listened = f"{', '.join(trace.hooks)} were listened to" if trace.hooks else "neither Django nor SQLAlchemy ran"
        why = "a command that clears PYTHONPATH (tox, python -I) has to pass it on" if not trace.hooks else "no table"
        click.echo(f"calve: nothing was recorded: {listened}; {why}", err=True)
    for kind, count in trace.errors.items():
        click.echo(f"calve: the recorder failed {_count(count, 'time')} with {kind}: something is missing", err=True)
    return code


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
