"""Signatures as a contract would write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from calve.audit.scaffold.signatures import Signature, signature


def _read(tmp_path: Path, source: str) -> Signature:
    path = tmp_path / "code.py"
    path.write_text(source)
    return signature(path, "f", 1)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("order_id, pk, count", "order_id: int, pk: int, count: Unknown"),
        ("q: str, when: datetime.datetime, of: 'uuid.UUID'", "q: str, when: datetime, of: UUID"),
        (
            "ids: list[int], names: Optional[str], x: int | None",
            "ids: tuple[int, ...], names: str | None, x: int | None",
        ),
        ("user: User, both: int | str, any: Any", "user: Unknown, both: Unknown, any: Unknown"),
        ("n=1, s='a', b=True, f=1.5", "n: int = 1, s: str = 'a', b: bool = True, f: float = 1.5"),
        ("x=None, y=[], z: int = LIMIT", "x: Unknown | None = None, y: Unknown | None = None, z: int | None = None"),
        ("a, /, b, *, c: bool, d=2", "a: Unknown, b: Unknown, c: bool, d: int = 2"),
        ("a=1, *, b: int", "a: int = 1, b: int | None = None"),
    ],
)
def test_parameters(tmp_path: Path, parameters: str, expected: str) -> None:
    read = _read(tmp_path, f"def f({parameters}): ...\n")
    shown = ", ".join(f"{p.name}: {p.type}{f' = {p.default}' if p.default else ''}" for p in read.parameters)
    assert shown == expected


@pytest.mark.parametrize(
    ("source", "returns"),
    [
        ("def f(): pass", "None"),
        ("def f(): return None", "None"),
        ("def f(): return 1", "Unknown"),
        ("def f(): yield 1", "Unknown"),
        ("async def f() -> bool: ...", "bool"),
        ("def f() -> 'list[int]': ...", "tuple[int, ...]"),
        ("def f() -> 'not a type(': ...", "Unknown"),
    ],
)
def test_answers(tmp_path: Path, source: str, returns: str) -> None:
    assert _read(tmp_path, source).returns == returns


def test_surroundings_are_left_out_and_said(tmp_path: Path) -> None:
    read = _read(
        tmp_path,
        'class A:\n    def f(self, request, x: int, *args, **more):\n        """Does it.\n\n        Well."""\n',
    )
    assert [p.name for p in read.parameters] == ["x"]
    assert read.left_out == ["request", "*args", "**more"]
    assert read.doc == "Does it."


def test_the_function_nearest_to_the_line_is_meant(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(
        "class A:\n    def f(self, a: int): ...\n\n\nclass B:\n    def f(self, b: int): ...\n"
    )
    assert [p.name for p in signature(tmp_path / "code.py", "B.f", 6).parameters] == ["b"]


@pytest.mark.parametrize("source", ["print 'python 2'\n", "\0", "x = 1\n"])
def test_what_cannot_be_read_is_unknown(tmp_path: Path, source: str) -> None:
    read = _read(tmp_path, source)
    assert (read.parameters, read.returns) == ([], "Unknown")
    assert bool(read.left_out) == (source != "x = 1\n")
