"""The figures in README.md are those of bench/results, with their date and machine."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
ROW = re.compile(r"^\| (?P<claim>.+?) \| (?P<value>\S+) (?P<unit>\S+) \| (?P<target>.*?) \| (?P<verdict>.*?) \|$")


def _results() -> dict[str, dict[str, object]]:
    files = sorted((REPOSITORY / "bench" / "results").glob("*.json"))
    return {entry["claim"]: entry for file in files for entry in json.loads(file.read_text(encoding="utf-8"))}


def _rows() -> list[re.Match[str]]:
    section = (REPOSITORY / "README.md").read_text(encoding="utf-8").partition("## How fast")[2].partition("\n## ")[0]
    return [row for line in section.splitlines() if (row := ROW.match(line)) and "---" not in line]


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row["claim"])
def test_a_quoted_figure_is_the_measured_one(row: re.Match[str]) -> None:
    entry = _results()[row["claim"]]
    assert (row["value"], row["unit"], row["target"]) == (f"{entry['value']:g}", entry["unit"], entry["target"])


def test_there_are_figures_and_their_date_and_interpreter_are_told() -> None:
    assert len(_rows()) > 10
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    for entry in _results().values():
        assert str(entry["date"]) in text
        assert str(entry["machine"]).split(", ")[1] in text
