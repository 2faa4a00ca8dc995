"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.cli import main


def test_the_project_is_found_upwards_unless_named(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = project / "till"
    monkeypatch.chdir(inner)
    assert main(["run", "--topology", "nothing"]) == 2, "found: the topology is what is wrong"
    assert "no topology 'nothing'" in capsys.readouterr().err
    other = tmp_path / "other.toml"
    other.write_text("[app]\nname = 'other'\nservices = ['a']\n[topology.mine]\na = ['*']\n")
    for option in ("--config", "-c"):
        assert main(["run", option, str(other), "--topology", "nothing"]) == 2
        assert "known: mine, one" in capsys.readouterr().err
