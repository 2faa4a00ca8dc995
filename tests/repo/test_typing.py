"""Type checkers see both sides of every call: typed_calls.py has right calls, and wrong ones that must be found."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api


def test_right_calls_pass_and_wrong_ones_are_found(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    out, err, code = api.run(["--strict", "tests/repo/typed_calls.py"])
    assert (code, err) == (0, ""), out


def test_a_wrong_call_is_an_error_without_the_comment_that_expects_it(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comments above are not what keeps the checker silent about everything."""
    lines = (root / "tests" / "repo" / "typed_calls.py").read_text().splitlines()
    expected = [number for number, line in enumerate(lines, 1) if "# type: ignore[" in line]
    module = tmp_path / "uncommented.py"
    module.write_text("\n".join(line.partition("  # type: ignore[")[0] for line in lines))
    monkeypatch.chdir(root)
    out, _, code = api.run(["--strict", "--hide-error-context", "--no-error-summary", str(module)])
    assert code == 1
    found = {int(line.split(":")[1]) for line in out.splitlines() if ": error: " in line}
    assert found == set(expected)
