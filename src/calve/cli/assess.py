"""`calve assess`: what no file says is asked, and a verdict follows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ..core.errors import ConfigError

if TYPE_CHECKING:
    from ..audit.findings import Findings
    from ..audit.judging.answers import Answers, Question
    from ..audit.judging.verdict import Verdict
    from ..audit.judging.weighing import Reason

PARTS_SHOWN = 12
_MARKS = {"yes": "+", "no": "-", "partly": "~", "unknown": "?"}


@click.command("assess")
@click.argument("path", type=click.Path(path_type=Path), default=".")
@click.option(
    "--config",
    "-c",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A calve.toml with [audit]; else that in PATH.",
)
@click.option(
    "--answers", type=click.Path(path_type=Path), metavar="FILE", help="Take the answers from FILE, and ask nothing."
)
@click.option("--write", type=click.Path(path_type=Path), metavar="FILE", help="Keep the answers in FILE.")
def command(path: Path, config: Path | None, answers: Path | None, write: Path | None) -> None:
    """Ask what no file says about splitting, and give a verdict.

    PATH is the folder of a project, the current one by default. Questions come with what its files suggest; answers
    may also come on standard input, one a line. Earlier answers in PATH/calve-assess.toml are offered again.
    """
    import msgspec

    from ..audit.findings import weigh
    from ..audit.judging.answers import FILE_NAME, check_target, write_answers
    from ..audit.options import read_options
    from .audit import run_audit

    options = read_options(path, config=config, answers=answers)
    if write is not None:
        check_target(write)  # before thirteen questions, not after them
    found = run_audit(path, options, cache=True, quiet=False)
    given, prompt = options.answers, _Prompt()
    if answers is None:
        try:
            given = ask(found, given, prompt)
        except KeyboardInterrupt:
            click.echo("\nStopped; nothing was written.", err=True)
            raise
        weigh(found, msgspec.structs.replace(options, answers=given))
        if write is None and prompt.terminal and given != options.answers:
            typed = prompt(f"Keep the answers in {path / FILE_NAME}, where `calve audit` reads them? [yes]: ", False)
            write = path / FILE_NAME if typed is not None and typed.strip().casefold() in ("", "y", "yes") else None
            click.echo("")
    if write is not None:
        write_answers(write, given)
    click.echo("\n".join(verdict_lines(found.verdict)))


def ask(found: Findings, before: Answers, prompt: Callable[[str, bool], str | None]) -> Answers:
    """Ask every question.

    Args:
        found: What the files say.
        before: Answers given earlier; they stay where nothing is said.
        prompt: Shows a line and returns what was typed; None when there is no more. Told whether an answer is wanted
            again because the last one was none.
    Returns: the answers; one that was suggested counts only when somebody agreed to it.
    Raises: ConfigError: what came from a file or a pipe is no answer.
    """
    import msgspec

    from ..audit.judging.answers import QUESTIONS, parsed, shown
    from ..audit.judging.detection import suggest

    suggested = suggest(found.signs, found.history)
    given: dict[str, Any] = {}
    click.echo(f"{len(QUESTIONS)} questions. Enter takes what is in [brackets], ? is not known, Ctrl-C stops.")
    for question in QUESTIONS:
        offered, why = getattr(before, question.name), "as before"
        if offered is None and question.name in suggested:
            offered, why = suggested[question.name].value, suggested[question.name].why
        click.echo(f"\n{question.text}{_hint(question, found)}")
        click.echo(click.style(f"  {question.why}", dim=True))
        line, again = f"  {question.name}{'' if offered is None else f' [{shown(offered)}, {why}]'}: ", False
        while (typed := prompt(line, again)) is not None:
            if not typed.strip():
                given[question.name] = offered
                break
            try:
                given[question.name] = parsed(question.name, typed)
                break
            except ValueError as error:
                click.echo(f"  {error}")
                again = True
        else:
            break
    click.echo("")
    return msgspec.structs.replace(before, **given)


def _hint(question: Question, found: Findings) -> str:
    if question.name not in ("scale_apart", "strict_acid"):
        return f" ({question.unit})" if question.unit else " (yes or no)"
    parts = sorted(found.graph.units, key=lambda name: (-found.graph.units[name].lines, name))
    more = f" and {len(parts) - PARTS_SHOWN} more" if len(parts) > PARTS_SHOWN else ""
    return f"\n  names, or none; the largest: {', '.join(parts[:PARTS_SHOWN])}{more}"


class _Line(NamedTuple):
    number: int
    text: str


class _Prompt:
    """Asks whoever is at the terminal; takes lines from anywhere else."""

    def __init__(self) -> None:
        self.terminal = sys.stdin.isatty()
        self._last = _Line(0, "")

    def __call__(self, line: str, again: bool) -> str | None:
        if self.terminal:
            try:
                return input(line)
            except EOFError:
                return None
        if again:
            # The next line is the answer to the next question: to go on would turn all of them.
            raise ConfigError(
                f"{self._last.text!r} is no answer to {line.split()[0].rstrip(':')}",
                where=f"standard input, line {self._last.number}",
                fix="leave the line empty to skip a question",
            )
        text = sys.stdin.readline()
        self._last = _Line(self._last.number + 1, text.strip())
        click.echo(line + text.strip())
        return text or None


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """A verdict as text: the sentence, what it was weighed from, and what would change it."""
    yield verdict.sentence
    for name, level, reasons in (
        ("Need", verdict.need, verdict.need_reasons),
        ("Separability", verdict.separability, verdict.separability_reasons),
        ("Readiness", verdict.readiness, verdict.readiness_reasons),
    ):
        yield ""
        yield f"{name}: {level}"
        yield from _reasons(reasons)
    if verdict.unfit:
        yield ""
        yield "Why services do not suit this project"
        yield from (f"  - {reason}" for reason in verdict.unfit)
    if verdict.would_change:
        yield ""
        yield "What would change the verdict"
        yield from (f"  {change}" for change in verdict.would_change)


def _reasons(reasons: list[Reason]) -> Iterator[str]:
    for reason in reasons:
        yield f"  {_MARKS[reason.counts]} {reason.text}"
    if not reasons:
        yield "  ? nobody was asked"
