"""Who may call whom, as strict mode asks when a unit starts."""

from __future__ import annotations

from calve.boundaries import declared_callers
from calve.service import DeclaredCallers

from .conftest import MakeProject, package


def test_callers_are_those_whose_constructors_ask(project: MakeProject) -> None:
    made = project(package("Bank"), package("Desk", {"bank": "Bank"}), package("Till", {"b": "Bank"}), package("Other"))
    found = declared_callers(made.config, ["bank", "other"])
    assert found == {
        "bank": DeclaredCallers("Bank", frozenset({"desk", "till"}), found["bank"].operations),
        "other": DeclaredCallers("Other", frozenset(), []),
    }
    assert sorted(found["bank"].operations) == ["desk.work", "till.work"]
