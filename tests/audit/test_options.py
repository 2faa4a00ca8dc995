"""Settings of an audit, right and wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.audit.options import read_options
from calve.core.errors import ConfigError


def test_a_project_without_files_has_the_defaults(tmp_path: Path) -> None:
    options = read_options(tmp_path)
    assert (options.units, options.history_years, options.answers.team_size) == ({}, 3.0, None)


def test_the_section_and_the_answers_are_read(tmp_path: Path) -> None:
    (tmp_path / "calve.toml").write_text(
        '[app]\nname = "other sections are not looked at"\n[audit]\nhistory_years = 2\n'
        '[audit.units]\norders = ["shop.orders", "shop.graphql.orders"]\n[audit.effort]\nsaga = [2, 5]\n'
    )
    (tmp_path / "calve-assess.toml").write_text("[assess]\nteam_size = 12\n")
    options = read_options(tmp_path)
    assert options.units == {"orders": ["shop.orders", "shop.graphql.orders"]}
    assert (options.effort.saga, options.effort.join) == ((2.0, 5.0), (0.25, 1.0))
    assert (options.history_years, options.answers.team_size) == (2.0, 12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[audit]\nunit = 1\n", "own.toml:2: unknown key 'unit'; did you mean 'units'?"),
        ("[audit]\nhistory_years = 0\n", "own.toml:2: history_years = 0; a number above 0, at most 50"),
        ("[audit]\nunits = 3\n", "audit.units is not a table"),
        ('[audit.units]\norders = "shop"\n', "own.toml:2: unit 'orders' is no list of module names"),
        ("[audit.effort]\nsga = [1, 2]\n", "own.toml:2: unknown key 'sga'; did you mean 'saga'?"),
        ("[audit.effort]\nsaga = 3\n", "own.toml:2: saga is no pair of days; write [low, high]"),
        ("[audit.effort]\nsaga = [3, 2]\n", "own.toml:2: saga = [3, 2] is no range; 0 <= low <= high"),
        ("[audit.effort]\nsaga = [1, inf]\n", "own.toml:2: saga = [1, inf] is no range"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as raised:
        read_options(tmp_path, config=file)
    assert message in str(raised.value)


def test_a_file_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_options(tmp_path, config=tmp_path / "missing.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_options(tmp_path, answers=tmp_path / "missing.toml")
