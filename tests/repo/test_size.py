"""Files and functions stay small enough to read in one sitting; exceptions are listed with their reason."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator

from .conftest import Module

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

EXCEPTIONS: dict[str, str] = {}
"""`path` or `path:function` -> why it is longer than the ceiling."""


def _too_long(modules: list[Module]) -> Iterator[tuple[str, int]]:
    for module in modules:
        lines = module.text.count("\n")
        if lines > FILE_LINES_MAX:
            yield module.path, lines
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                lines = node.end_lineno - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    yield f"{module.path}:{node.name}", lines


def test_files_and_functions_are_below_the_ceiling(modules: list[Module]) -> None:
    assert {what: lines for what, lines in _too_long(modules) if what not in EXCEPTIONS} == {}


def test_every_exception_is_still_needed(modules: list[Module]) -> None:
    assert set(EXCEPTIONS) - {what for what, _ in _too_long(modules)} == set()


def test_the_median_file_of_the_product_is_short(modules: list[Module]) -> None:
    lines = [module.text.count("\n") for module in modules if module.path.startswith("src/")]
    assert statistics.median(lines) <= 200


def test_the_ceilings_are_seen(modules: list[Module]) -> None:
    body = "    x = 1\n" * FUNCTION_LINES_MAX
    text = f"async def f():\n{body}" + "y = 2\n" * FILE_LINES_MAX
    module = Module("src/long.py", text, ast.parse(text))
    assert dict(_too_long([module])) == {"src/long.py": 461, "src/long.py:f": 61}
