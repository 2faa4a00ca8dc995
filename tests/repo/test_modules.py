"""Every module says what it is for, and every facade says what it offers, in order."""

from __future__ import annotations

import ast
import importlib

import pytest

import calve

from .conftest import Module


def test_every_module_opens_with_a_docstring(modules: list[Module]) -> None:
    silent = [m.path for m in modules if m.text.strip() and not ast.get_docstring(m.tree)]
    assert silent == []


def _exported(module: Module) -> list[str] | None:
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return [str(ast.literal_eval(e)) for e in node.value.elts] if isinstance(node.value, ast.List) else []
    return None


def test_every_facade_with_imports_has_all(modules: list[Module]) -> None:
    facades = [m for m in modules if m.path.startswith("src/") and m.path.endswith("/__init__.py")]
    assert len(facades) > 5
    imports = (ast.Import, ast.ImportFrom)
    without = [m.path for m in facades if any(isinstance(n, imports) for n in m.tree.body) and _exported(m) is None]
    assert without == []


def test_all_is_sorted_without_regard_to_case(modules: list[Module]) -> None:
    for module in modules:
        names = _exported(module)
        if names is not None:
            assert names == sorted(names, key=lambda n: (n.casefold(), n)), module.path
            assert len(names) == len(set(names)), module.path


def test_every_exported_name_exists(modules: list[Module]) -> None:
    for module in modules:
        if module.path.startswith("src/") and (names := _exported(module)):
            dotted = module.path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            loaded = importlib.import_module(dotted)
            assert [n for n in names if not hasattr(loaded, n)] == [], dotted


def test_a_name_that_calve_lacks_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Walet'"):
        calve.Walet  # noqa: B018
