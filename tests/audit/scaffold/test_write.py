"""A scaffold as files: what is written passes Calve's own checks."""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_projects import DJANGO, FASTAPI, FLASK, Files

from calve.audit.scaffold import write_scaffold
from calve.boundaries import check
from calve.core.errors import ConfigError
from calve.runtime.config import load_config

from .conftest import Found


@pytest.mark.parametrize(
    ("files", "name"), [(DJANGO, "orders"), (DJANGO, "stock"), (FLASK, "members"), (FASTAPI, "accounts")]
)
def test_what_is_written_keeps_to_the_boundaries(found: Found, tmp_path: Path, files: Files, name: str) -> None:
    written = write_scaffold(found(files), name, tmp_path / "out")
    assert [path.as_posix() for path in written] == [
        "PLAN.md",
        f"{name}/contract.py",
        f"{name}/__init__.py",
        "calve.toml",
    ]
    config = load_config(tmp_path / "out" / "calve.toml")
    assert list(config.services) == [name]
    assert check(config, strict=False).violations == []


def test_what_nobody_calls_gets_a_plan_only(found: Found, tmp_path: Path) -> None:
    assert write_scaffold(found(DJANGO), "reports", tmp_path / "out") == [Path("PLAN.md")]
    assert "Nobody outside calls it" in (tmp_path / "out" / "PLAN.md").read_text()


def test_nothing_is_written_over(found: Found, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(ConfigError, match="exists and is not an empty folder; choose another with --into"):
        write_scaffold(found(DJANGO), "stock", tmp_path)
    with pytest.raises(ConfigError, match="exists and is not an empty folder"):
        write_scaffold(found(DJANGO), "stock", tmp_path / "mine")
