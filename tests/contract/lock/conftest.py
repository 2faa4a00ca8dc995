"""Contracts made from text."""

from __future__ import annotations

import itertools
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from calve.contract import ContractInfo, describe, is_contract
from calve.contract.lock import Description, describe_contract, with_numbers

from .corpus import BASE

MakeContract = Callable[[str], ContractInfo]
Described = Callable[..., Description]


@pytest.fixture
def contract(monkeypatch: pytest.MonkeyPatch) -> MakeContract:
    """The one contract that a module of this text has."""
    count = itertools.count()

    def make(text: str) -> ContractInfo:
        module = types.ModuleType(f"made_{next(count)}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(text, module.__name__, "exec", dont_inherit=True), module.__dict__)
        (found,) = [c for c in vars(module).values() if is_contract(c) and c.__module__ == module.__name__]
        return describe(found)

    return make


@pytest.fixture
def described(contract: MakeContract) -> Described:
    """The description of BASE with replacements, numbered on top of another one."""

    def make(*replacements: tuple[str, str], old: Description | None = None, **service: Any) -> Description:
        text = BASE
        for before, after in replacements:
            assert text.count(before) == 1, (before, text.count(before))
            text = text.replace(before, after)
        return with_numbers(describe_contract(service.get("service", "till"), contract(text)).description, old)

    return make
