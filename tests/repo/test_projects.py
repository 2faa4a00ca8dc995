"""That no project is in the way of another: what `tests/modules.py` says, it does."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ..modules import Projects


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that another project has imported."""
    module = ModuleType("bank")
    module.__file__ = str(tmp_path / "first" / "bank.py")
    monkeypatch.setitem(sys.modules, "bank", module)
    return module


def test_a_module_of_another_project_is_hidden_for_a_while(tmp_path: Path, bank: ModuleType) -> None:
    before = list(sys.path)
    (tmp_path / "bank.py").write_text("money = 1")
    with Projects((str(tmp_path / "first"),)).hidden():
        sys.path.insert(0, str(tmp_path))
        assert importlib.import_module("bank").money == 1
    assert sys.modules["bank"] is bank
    assert sys.path == before


def test_what_is_imported_is_forgotten_and_a_module_of_nobody_stays(tmp_path: Path) -> None:
    (tmp_path / "till.py").touch()
    with Projects(()).hidden():
        assert sys.modules["pytest"] is pytest
        sys.path.insert(0, str(tmp_path))
        importlib.import_module("till")
    assert "till" not in sys.modules


def test_a_test_that_writes_modules_has_its_own(bank: ModuleType, importable: Path) -> None:
    assert "bank" not in sys.modules
    assert sys.path[0] == str(importable)
