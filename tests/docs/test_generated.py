"""The reference pages say what the code says: generating them again changes nothing, and nothing goes undescribed."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from calve.runtime.config import _SECTIONS

from .conftest import REPOSITORY

REFERENCE = REPOSITORY / "docs" / "reference"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("calve_docs_generate", REPOSITORY / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = _load()


@pytest.mark.parametrize("name", sorted(generate.PAGES))
def test_generating_again_leaves_no_difference(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert (REFERENCE / name).read_text(encoding="utf-8") == generate.PAGES[name](), "run `make gen`"


def test_every_reference_page_is_generated() -> None:
    assert {path.name for path in REFERENCE.iterdir()} == {name for name in generate.PAGES if "/" not in name}


def test_nothing_goes_undescribed() -> None:
    for page in REFERENCE.glob("*.md"):
        bare = [line for line in page.read_text(encoding="utf-8").splitlines() if re.match(r"\| `\w+` \|\s*\|", line)]
        assert bare == [], page.name


def test_every_section_that_calve_toml_may_have_is_on_the_page_of_settings() -> None:
    text = (REFERENCE / "settings.md").read_text(encoding="utf-8")
    assert [name for name in _SECTIONS if not re.search(rf"^##.*`\[{name}(\.<\w+>)*\]`", text, re.MULTILINE)] == []


def test_check_prints_the_difference_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "REFERENCE", tmp_path)
    monkeypatch.setattr(generate, "PAGES", {"page.md": lambda: "new\n", "same.md": lambda: "same\n"})
    (tmp_path / "page.md").write_text("old\n", encoding="utf-8")
    (tmp_path / "same.md").write_text("same\n", encoding="utf-8")
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines()[-2:] == ["-old", "+new"]
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == "old\n"
