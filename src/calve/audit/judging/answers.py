"""The questions no file answers, and their answers.

    [assess]                     in a TOML file of its own, by default `calve-assess.toml` in the project
    team_size = 12
    scale_apart = ["search"]

Every question may stay unanswered; the verdict then says that it is, and what would follow from an answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from ...core.errors import ConfigError
from ...core.suggest import did_you_mean
from ...core.toml import TomlFile

FILE_NAME = "calve-assess.toml"
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

    Raises: ConfigError: the file is no TOML, has a question nobody asks, or an answer of another kind.
    """
    file = TomlFile.read(path)
    said: dict[str, Any] = file.data.get("assess", {})
    known = [question.name for question in QUESTIONS]
    for name in said:
        if name not in known:
            raise ConfigError(f"no question {name!r}; {did_you_mean(name, known)}", where=file.where("assess", name))
    try:
        return msgspec.convert(said, Answers)
    except msgspec.ValidationError as error:
        raise ConfigError(str(error), where=file.where("assess"), fix="see `calve assess --help`") from error


def write_answers(path: Path, answers: Answers) -> None:
    """Write the answers, with each question as a comment; unanswered ones as comments only."""
    lines = ["# What no file of the project says. Read by `calve audit`; written by `calve assess`.", "[assess]"]
    for question in QUESTIONS:
        value = getattr(answers, question.name)
        lines.append(f"# {question.text}" + (f" ({question.unit})" if question.unit else ""))
        lines.append(f"# {question.name} =" if value is None else f"{question.name} = {_toml(value)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _toml(value: Any) -> str:
    return msgspec.json.encode(value).decode()
