"""The questions, and the file that keeps their answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calve.audit.judging.answers import QUESTIONS, Answers, checked, parsed, read_answers, shown, write_answers
from calve.core.errors import ConfigError

ANY_SPEED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1)
PART_NAMES = st.from_regex(r"[a-z_]+(\.[a-z_]+)*", fullmatch=True).filter(lambda name: name != "none")
YES_OR_NO = st.none() | st.booleans()
AMOUNTS = st.none() | st.floats(0, 1_000_000)


def answers(names: st.SearchStrategy[str] = NAMES) -> st.SearchStrategy[Answers]:
    """Any answers."""
    people, parts = st.none() | st.integers(1, 5000), st.none() | st.lists(names, max_size=3)
    return st.builds(
        Answers,
        deploys_a_week=AMOUNTS,
        lead_time_days=AMOUNTS,
        change_fail_percent=st.none() | st.floats(0, 100),
        restore_hours=AMOUNTS,
        on_call=YES_OR_NO,
        team_size=people,
        teams=people,
        teams_wait=YES_OR_NO,
        scale_apart=parts,
        strict_acid=parts,
        early_product=YES_OR_NO,
        monitoring=YES_OR_NO,
        rapid_provisioning=YES_OR_NO,
    )


def test_every_answer_has_a_question() -> None:
    assert sorted(question.name for question in QUESTIONS) == sorted(Answers.__struct_fields__)


@ANY_SPEED
@given(said=answers())
def test_answers_are_kept(tmp_path_factory: pytest.TempPathFactory, said: Answers) -> None:
    path = tmp_path_factory.getbasetemp() / "kept.toml"
    write_answers(path, said)
    assert read_answers(path) == said


@ANY_SPEED
@given(said=answers(PART_NAMES))
def test_what_is_shown_can_be_typed(said: Answers) -> None:
    for name in Answers.__struct_fields__:
        value = getattr(said, name)
        if value is not None:
            again = parsed(name, shown(value))
            assert again == (pytest.approx(value, rel=1e-5) if isinstance(value, float) else value)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("[assess]\n\nteam_sise = 3", r"a\.toml:3: no question 'team_sise'; did you mean 'team_size'"),
        (
            '[assess]\nteam_size = "many"',
            r"a\.toml:2: team_size = \"many\" is no answer; say a whole number, 1 or more",
        ),
        ("[assess]\non_call = true\nteam_size = 0", r"a\.toml:3: team_size = 0 is no answer"),
        ("[assess]\nteam_size = 2.5", r"a\.toml:2: team_size = 2\.5 is no answer"),
        ("[assess]\nchange_fail_percent = 101", r"a\.toml:2: .* from 0 to 100"),
        ("[assess]\ndeploys_a_week = -1", r"a\.toml:2: deploys_a_week = -1 is no answer"),
        ("[assess]\nrestore_hours = nan", r"a\.toml:2: restore_hours = nan is no answer"),
        ("[assess]\nlead_time_days = 2026-01-01", r"a\.toml:2: lead_time_days = .* is no answer"),
        ('[assess]\non_call = "yes"', r"a\.toml:2: on_call = \"yes\" is no answer; say yes or no"),
        ('[assess]\nscale_apart = "search"', r"a\.toml:2: scale_apart = \"search\" is no answer; say names of parts"),
        ("team_size = 3", r"a\.toml.*: unknown key or section 'team_size'; move it below \[assess\]"),
        ("[asses]\nteam_size = 3", r"a\.toml:1: unknown key or section 'asses'; the only section is \[assess\]"),
        ("assess = 3", r"assess is not a table"),
        ("[assess]\nteam_size =", r"a\.toml:2: not TOML"),
    ],
)
def test_what_is_no_answer_is_said_with_its_line(tmp_path: Path, text: str, error: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ConfigError, match=error):
        read_answers(tmp_path / "a.toml")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.toml: cannot be read"):
        read_answers(tmp_path / "no.toml")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("on_call", "Y", True),
        ("on_call", " no ", False),
        ("on_call", "?", None),
        ("change_fail_percent", "12.5 %", 12.5),
        ("team_size", "12", 12),
        ("scale_apart", "search, shop.orders", ["search", "shop.orders"]),
        ("scale_apart", "none", []),
    ],
)
def test_answers_are_typed_in_words(name: str, text: str, value: Any) -> None:
    assert parsed(name, text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [("on_call", "sometimes"), ("team_size", "0"), ("team_size", "2.5"), ("restore_hours", "inf"), ("teams", "")],
)
def test_what_cannot_be_an_answer_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match="is no answer; say"):
        parsed(name, text)
    with pytest.raises(ValueError, match="is no answer; say"):
        checked(name, text)


def test_nothing_else_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    with pytest.raises(ConfigError, match="holds something else"):
        write_answers(tmp_path / "pyproject.toml", Answers())
    assert (tmp_path / "pyproject.toml").read_text() == "[project]\n"
    with pytest.raises(ConfigError, match="cannot be written"):
        write_answers(tmp_path / "no" / "a.toml", Answers())
