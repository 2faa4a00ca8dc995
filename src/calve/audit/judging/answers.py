"""The questions no file answers, and their answers.

    [assess]                     in a TOML file of its own, by default `calve-assess.toml` in the project
    team_size = 12
    scale_apart = ["search"]

Every question may stay unanswered; the verdict then says that it is, and what would follow from an answer.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from ...core.errors import ConfigError
from ...core.suggest import did_you_mean
from ...core.toml import TomlFile

FILE_NAME = "calve-assess.toml"
SECTION = "assess"
Topic = Literal["need", "readiness", "fit"]


class Answers(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody who knows the project said. None is: not said."""

    deploys_a_week: float | None = None
    lead_time_days: float | None = None
    change_fail_percent: float | None = None
    restore_hours: float | None = None
    on_call: bool | None = None
    team_size: int | None = None
    teams: int | None = None
    teams_wait: bool | None = None
    scale_apart: list[str] | None = None
    strict_acid: list[str] | None = None
    early_product: bool | None = None
    monitoring: bool | None = None
    rapid_provisioning: bool | None = None


class Question(msgspec.Struct, frozen=True):
    """One question."""

    name: str
    """Field of `Answers`."""
    text: str
    unit: str
    """What the answer is counted in; `` for yes or no and for lists."""
    topic: Topic
    why: str


QUESTIONS = (
    Question(
        "team_size",
        "How many people change this code?",
        "people",
        "fit",
        "services pay off between teams, not within one",
    ),
    Question(
        "teams",
        "In how many teams that decide on their own?",
        "teams",
        "need",
        "two teams in one code base wait for each other",
    ),
    Question("teams_wait", "Do teams wait for each other to deploy?", "", "need", "the strongest reason there is"),
    Question(
        "deploys_a_week",
        "How often is it deployed?",
        "deploys a week",
        "readiness",
        "many services need a pipeline that is no event",
    ),
    Question(
        "lead_time_days", "How long from commit to production?", "days", "need", "what a split is meant to shorten"
    ),
    Question(
        "change_fail_percent",
        "How many deploys have to be mended at once?",
        "percent",
        "readiness",
        "a split multiplies deploys",
    ),
    Question(
        "restore_hours", "How long until a failure is mended?", "hours", "readiness", "more parts fail more often"
    ),
    Question("on_call", "Is somebody on call?", "", "readiness", "services fail at night, each on its own"),
    Question(
        "monitoring",
        "Are there metrics, traces and alerts?",
        "",
        "readiness",
        "a call that became remote has to be seen",
    ),
    Question(
        "rapid_provisioning",
        "Can a new server or database be had within a day?",
        "",
        "readiness",
        "every service needs its own",
    ),
    Question(
        "scale_apart",
        "Which parts need to scale, fail or be secured apart from the rest?",
        "",
        "need",
        "a need of one part only",
    ),
    Question(
        "strict_acid",
        "Which parts must change together or not at all, at every moment?",
        "",
        "fit",
        "a saga is not a transaction",
    ),
    Question(
        "early_product",
        "Is the product still looking for its shape?",
        "",
        "fit",
        "boundaries drawn too early are drawn wrong",
    ),
)


def read_answers(path: Path) -> Answers:
    """Read the answers.

    Raises: ConfigError: the file is no TOML, has a question nobody asks, or an answer of another kind; names the line.
    """
    file = TomlFile.read(path)
    for name in file.data:
        if name != SECTION:
            known = {question.name for question in QUESTIONS}
            fix = "move it below [assess]" if name in known else f"the only section is [{SECTION}]"
            where = file.where("" if name in known else name, name if name in known else None)
            raise ConfigError(f"unknown key or section {name!r}", where=where, fix=fix)
    said: dict[str, Any] = file.table(SECTION)
    answers: dict[str, Any] = {}
    for name, value in said.items():
        try:
            answers[name] = checked(name, value)
        except ValueError as error:
            raise ConfigError(str(error), where=file.where(SECTION, name)) from error
    return Answers(**answers)


def checked(name: str, value: Any) -> Any:
    """An answer, if it is one to this question.

    Raises: ValueError: there is no such question, or this cannot be an answer to it; says what can.
    """
    if name not in _KINDS:
        raise ValueError(f"no question {name!r}; {did_you_mean(name, _KINDS)}")
    kind = _KINDS[name]
    try:
        return msgspec.convert(value, kind.type)
    except msgspec.ValidationError as error:
        raise ValueError(f"{name} = {_toml(value)} is no answer; {kind.fix}") from error


def parsed(name: str, text: str) -> Any:
    """An answer that was typed; None for `?`, which is: not known.

    Raises: ValueError: it cannot be an answer to this question; says what can.
    """
    text, kind = text.strip(), _KINDS[name]
    if text == "?":
        return None
    if kind.type is bool:
        if text.casefold() not in _WORDS:
            raise ValueError(f"{text!r} is no answer; {kind.fix}")
        return _WORDS[text.casefold()]
    if kind.type == list[str]:
        return [] if text.casefold() in ("none", "-") else [part for part in re.split(r"[,\s]+", text) if part]
    try:
        return msgspec.convert(text.removesuffix("%").strip(), kind.type, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(f"{text!r} is no answer; {kind.fix}") from error


def shown(value: Any) -> str:
    """An answer as one would type it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def write_answers(path: Path, answers: Answers) -> None:
    """Write the answers, with each question as a comment; unanswered ones as comments only.

    Raises: ConfigError: the file holds something else, or cannot be written; what was there is still there.
    """
    check_target(path)
    lines = ["# What no file of the project says. Read by `calve audit`; written by `calve assess`.", f"[{SECTION}]"]
    for question in QUESTIONS:
        value = getattr(answers, question.name)
        lines.append(f"# {question.text}" + (f" ({question.unit})" if question.unit else ""))
        lines.append(f"# {question.name} =" if value is None else f"{question.name} = {_toml(value)}")
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_text("\n".join(lines) + "\n", encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(path)) from error


def check_target(path: Path) -> None:
    """See whether answers can be written to a file.

    Raises: ConfigError: it holds something else, or its folder is not there.
    """
    if not path.parent.is_dir():
        raise ConfigError("cannot be written: there is no such folder", where=str(path), fix="make the folder first")
    if path.exists():
        try:
            read_answers(path)
        except ConfigError as error:
            raise ConfigError(f"holds something else ({error})", where=str(path), fix="name another file") from error


def _toml(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    try:
        return msgspec.json.encode(value).decode()
    except TypeError:
        return str(value)


class _Kind(NamedTuple):
    """What answers one question."""

    type: Any
    fix: str


_AMOUNT = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
_PERCENT = Annotated[float, msgspec.Meta(ge=0, le=100)]
_PEOPLE = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
_WORDS = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}
_SAY_YES, _SAY_NUMBER, _SAY_PARTS = "say yes or no", "say a number, 0 or more", "say names of parts, or none"
_KINDS = {
    "deploys_a_week": _Kind(_AMOUNT, _SAY_NUMBER),
    "lead_time_days": _Kind(_AMOUNT, _SAY_NUMBER),
    "change_fail_percent": _Kind(_PERCENT, "say a number from 0 to 100"),
    "restore_hours": _Kind(_AMOUNT, _SAY_NUMBER),
    "on_call": _Kind(bool, _SAY_YES),
    "team_size": _Kind(_PEOPLE, "say a whole number, 1 or more"),
    "teams": _Kind(_PEOPLE, "say a whole number, 1 or more"),
    "teams_wait": _Kind(bool, _SAY_YES),
    "scale_apart": _Kind(list[str], _SAY_PARTS),
    "strict_acid": _Kind(list[str], _SAY_PARTS),
    "early_product": _Kind(bool, _SAY_YES),
    "monitoring": _Kind(bool, _SAY_YES),
    "rapid_provisioning": _Kind(bool, _SAY_YES),
}
"""By the name of the question."""
