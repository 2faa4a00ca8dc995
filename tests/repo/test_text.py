"""What no file of the repository may contain, and what some have to."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import calve

BINARY = {".png", ".ico", ".woff2", ".gz", ".whl", ".bin"}
# Written in pieces, so that this file is not its own first finding.
UNFINISHED = re.compile(rf"\b({'TO' + 'DO'}|{'FIX' + 'ME'}|{'XX' + 'X'}|{'HA' + 'CK'})\b")
MACHINE = re.compile(r"(?<![\w.<])(/ro" + r"ot/|/wo" + r"rk/|/ho" + r"me/[a-z]|/Us" + r"ers/)")


def _hits(files: list[Path], pattern: re.Pattern[str]) -> list[str]:
    texts = ((path, path.read_text(encoding="utf-8")) for path in files if path.suffix not in BINARY)
    return [
        f"{path}:{number}: {line.strip()}"
        for path, text in texts
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_nothing_is_left_for_later(files: list[Path]) -> None:
    assert _hits(files, UNFINISHED) == []


def test_no_file_names_somebody_s_machine(files: list[Path]) -> None:
    assert _hits(files, MACHINE) == []


def test_both_patterns_find_what_they_look_for(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("a = 1  # TO" + "DO\nb = '/ro" + "ot/x'\nc = 'https://example.org/work/x'\n", encoding="utf-8")
    assert [hit.split(":")[1] for hit in _hits([bad], UNFINISHED)] == ["1"]
    assert [hit.split(":")[1] for hit in _hits([bad], MACHINE)] == ["2"]


def test_the_licence_is_whole(root: Path) -> None:
    text = (root / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "9. Accepting Warranty or Additional Liability" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_one_version_everywhere(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", changelog, re.MULTILINE)
    assert newest is not None
    assert newest[1] == project["version"] == calve.__version__
