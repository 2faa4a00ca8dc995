"""What `calve new` writes; that its tests pass is shown in test_new.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.cli.scaffold import EMPTY_FILES, FILES, create_project
from calve.core.errors import ConfigError


def test_every_template_is_written_and_filled_in(tmp_path: Path) -> None:
    written = create_project(tmp_path / "my-shop")
    assert len(written) == len(FILES)
    files = {p for p in (tmp_path / "my-shop").rglob("*") if p.is_file()}
    assert len(files) == len(FILES) + len(EMPTY_FILES)
    assert not [p for p in files if "$" in p.read_text(encoding="utf-8") and p.name != "README.md"]
    assert 'services = ["my_shop.greeter"]' in (tmp_path / "my-shop" / "calve.toml").read_text(encoding="utf-8")
    assert (tmp_path / "my-shop" / "my_shop" / "greeter" / "contract.py").is_file()


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    assert create_project(tmp_path / "shop")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="not an empty folder; choose another name"):
        create_project(tmp_path / "shop")
    assert [p.name for p in (tmp_path / "shop").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["Shop", "1shop", "my shop", "shop!", "class", "-shop", "shöp"])
def test_a_name_that_is_no_package_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be the name of a project; use lower-case"):
        create_project(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["json", "calve", "tests"])
def test_a_name_that_hides_a_module_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="would hide the module"):
        create_project(tmp_path / name)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot write"):
        create_project(tmp_path / "file" / "shop")
