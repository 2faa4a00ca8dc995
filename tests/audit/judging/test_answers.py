"""The questions, and the file that keeps their answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.audit.judging.answers import QUESTIONS, Answers, read_answers, write_answers
from calve.core.errors import ConfigError


def test_every_answer_has_a_question() -> None:
    assert [question.name for question in QUESTIONS] == sorted(
        Answers.__struct_fields__, key=[question.name for question in QUESTIONS].index
    )


@pytest.mark.parametrize("answers", [Answers(), Answers(team_size=7, teams_wait=False, scale_apart=["search"])])
def test_answers_are_kept(tmp_path: Path, answers: Answers) -> None:
    write_answers(tmp_path / "a.toml", answers)
    assert read_answers(tmp_path / "a.toml") == answers


@pytest.mark.parametrize(("line", "what"), [("team_sise = 3", "team_size"), ('team_size = "many"', "team_size")])
def test_what_is_no_answer_is_said(tmp_path: Path, line: str, what: str) -> None:
    (tmp_path / "a.toml").write_text(f"[assess]\n{line}\n")
    with pytest.raises(ConfigError, match=what):
        read_answers(tmp_path / "a.toml")
