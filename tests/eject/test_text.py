"""Source that is changed and source that is laid out."""

from __future__ import annotations

import ast

from calve.eject.base import LINE_LENGTH
from calve.eject.text import Edits, docstring, import_lines, laid_out, names_in, tuple_of


def test_edits_do_not_move_each_other() -> None:
    text = "a = öne\nb = two\nc = three\n"
    edits = Edits(text)
    for node in ast.parse(text).body:
        assert isinstance(node, ast.Assign)
        edits.replace(node.value, node.value, "1_000")
    assert edits.apply() == "a = 1_000\nb = 1_000\nc = 1_000\n"


def test_lines_can_be_removed_and_replaced() -> None:
    edits = Edits("one\ntwo\nthree\n")
    edits.replace_lines(1, 1)
    edits.replace_lines(3, 3, "drei\nvier")
    assert edits.apply() == "two\ndrei\nvier\n"


def test_short_things_take_one_line_and_long_ones_several() -> None:
    assert laid_out("f(", ["a", "b"], ")") == "f(a, b)"
    items = ["a" * 50, "b" * 50]
    assert laid_out("f" * 20 + "(", items, ")", "    ").splitlines()[1] == "        " + ", ".join(items)
    many = ["a" * 60, "b" * 60]
    assert laid_out("f(", many, ")").splitlines() == ["f(", f"    {many[0]},", f"    {many[1]},", ")"]


def test_long_imports_have_a_line_per_name() -> None:
    assert import_lines("m", [("a", None), ("b", "c")]) == "from m import a, b as c"
    lines = import_lines("m", [("x" * 70, None), ("y" * 70, None)]).splitlines()
    assert lines[0] == "from m import ("
    assert all(len(line) <= LINE_LENGTH for line in lines)


def test_docstrings_end_where_they_should() -> None:
    assert docstring('Say """no""".', "") == "\"\"\"Say '''no'''.\"\"\""
    assert ast.parse(docstring("C:\\new\n\nLine.", "")).body
    assert docstring("One.\n\nTwo.", "    ") == '    """One.\n\n    Two.\n    """'


def test_names_are_found_in_forward_references_too() -> None:
    tree = ast.parse("def f(a: 'list[Item]', b: Other) -> None: ...")
    assert {"Item", "Other", "list"} <= names_in([tree])


def test_a_tuple_of_one_keeps_its_comma() -> None:
    assert (tuple_of(["A"]), tuple_of(["A", "B"])) == ("(A,)", "(A, B)")
