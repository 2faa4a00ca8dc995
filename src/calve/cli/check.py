"""`calve check`: whether the services of a project keep to themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import config_option

if TYPE_CHECKING:
    from ..boundaries import Note, Report, Violation

SCHEMA = 1
"""Version of what --json prints: higher when something is removed or means something else."""


@click.command("check")
@config_option
@click.option("--strict", is_flag=True, help="Ask for the owner of each service, as [app] strict = true does.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@click.pass_context
def command(ctx: click.Context, config: Path | None, strict: bool, as_json: bool) -> None:
    """Check that services keep to their boundaries.

    Reads the source without importing it. Fails when a service imports anything of another but its contract, when a
    module belongs to no service, when two services share a store or a table, and when a chain of calls is too long or
    comes back to where it began.
    """
    from ..boundaries import check
    from ..runtime.config import load_config

    project = load_config(config)
    report = check(project, strict=strict)
    if as_json:
        click.echo(json.dumps(as_data(report, project.root), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_text(report, project.root)))
    ctx.exit(1 if report.violations else 0)


def as_data(report: Report, root: Path) -> dict[str, Any]:
    """Everything the command knows.

        {"schema": 1, "services": 5, "modules": 22,
         "violations": [{"rule": "import", "what": "a.x -> b.service", "file": "a/x.py", "line": 3,
                         "message": "…", "fix": "…", "drawing": []}],
         "accepted": [{…, "reason": "…"}],
         "notes": [{"file": "a/x.py", "line": 9, "message": "…"}]}

    Paths are relative to the folder of calve.toml.
    """
    return {
        "schema": SCHEMA,
        "services": report.services,
        "modules": report.modules,
        "violations": [_violation(v, root) for v in report.violations],
        "accepted": [_violation(v, root) | {"reason": reason} for v, reason in report.accepted],
        "notes": [_note(note, root) for note in report.notes],
    }


def _violation(violation: Violation, root: Path) -> dict[str, Any]:
    file, _, line = violation.place.shown(root).rpartition(":")
    return {
        "rule": violation.rule,
        "what": violation.what,
        "file": file,
        "line": int(line),
        "message": violation.message,
        "fix": violation.fix,
        "drawing": list(violation.drawing),
    }


def _note(note: Note, root: Path) -> dict[str, Any]:
    file, _, line = note.place.shown(root).rpartition(":")
    return {"file": file, "line": int(line), "message": note.message}


def _text(report: Report, root: Path) -> Iterator[str]:
    for violation in report.violations:
        yield f"{violation.place.shown(root)}: {violation.message}"
        yield from (f"    {line}" for line in violation.drawing)
        yield f"    {violation.fix}"
        if violation.rule != "accept":
            yield f'    rule = "{violation.rule}", what = "{violation.what}"'
    for violation, reason in report.accepted:
        yield f"{violation.place.shown(root)}: accepted: {violation.message} ({reason})"
    for note in report.notes:
        yield f"{note.place.shown(root)}: note: {note.message}"
    accepted = f", {len(report.accepted)} accepted" if report.accepted else ""
    counts = f"{_count(report.services, 'service')}, {_count(report.modules, 'module')}"
    yield f"{counts}: {_count(len(report.violations), 'violation')}{accepted}"


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
